// What was made lately, to be found again: the last used first, at most so many. Threads that share
// one lock its mutex for each call.
#pragma once

#include <algorithm>
#include <list>
#include <mutex>

namespace [[gnu::visibility("default")]] rw {
namespace engine {

template <class Entry>
class Recent {
 public:
  explicit Recent(std::size_t most) : most_(most) {}

  // Of which is_it(entry) holds, or null; until the next call of `add`.
  template <class F>
  const Entry* find(F is_it) {
    const auto found = std::find_if(entries_.begin(), entries_.end(), is_it);
    if (found == entries_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found);
    return &entries_.front();
  }
  // Forgets the one that was not used for the longest time where there are too many.
  void add(Entry entry) {
    entries_.push_front(std::move(entry));
    if (entries_.size() > most_) entries_.pop_back();
  }
  std::size_t size() const { return entries_.size(); }

  std::mutex mutex;

 private:
  std::size_t most_;
  std::list<Entry> entries_;
};

}  // namespace engine
}  // namespace rw
