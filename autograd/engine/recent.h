// What was made lately, to be found again: the last used first, at most so many. Threads may share
// one. Nothing is made or ended under its lock, so whatever that takes, nobody waits for it.
#pragma once

#include <algorithm>
#include <list>
#include <memory>
#include <mutex>

namespace [[gnu::visibility("default")]] rw {
namespace engine {

template <class T>
class Recent {
 public:
  using Entry = std::shared_ptr<const T>;

  explicit Recent(std::size_t most) : most_(most) {}

  // The entry of which is_it(*entry) holds, which is now the last used; or null.
  template <class F>
  Entry find(F is_it) {
    const std::scoped_lock lock(mutex_);
    return found(is_it);
  }
  // Adds what was not found; where another thread was faster its entry stays. Gives the one that
  // is there now. Forgets the one that was not used for the longest time where there are too many.
  template <class F>
  Entry add(Entry made, F is_it) {
    std::list<Entry> gone;  // ends after the lock
    const std::scoped_lock lock(mutex_);
    if (Entry known = found(is_it)) return known;
    entries_.push_front(made);
    if (entries_.size() > most_) gone.splice(gone.begin(), entries_, --entries_.end());
    return made;
  }
  std::size_t size() const {
    const std::scoped_lock lock(mutex_);
    return entries_.size();
  }

 private:
  template <class F>
  Entry found(F is_it) {
    const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& known) { return is_it(*known); });
    if (entry == entries_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, entry);
    return *entry;
  }

  mutable std::mutex mutex_;
  const std::size_t most_;
  std::list<Entry> entries_;
};

}  // namespace engine
}  // namespace rw
