// Blocks by size class, after Bonwick and Adams, "Magazines and Vmem" (USENIX 2001).
//
// A recurrent model makes and drops the same few sizes thousands of times a step. malloc would be
// called for each, and for large ones it maps fresh pages, whose faults cost more than the
// arithmetic. So every thread keeps, for each size class, two short lists of free blocks (a
// `current` and a full `spare` one); a full batch more goes to a shared list under a lock, and an
// empty thread takes a batch back. So a loader thread that only makes tensors and a trainer that
// only drops them keep a bounded number of blocks, whatever the pattern.
//
// Small blocks are carved from slabs and are never given back to the system; blocks of a MiB or
// more bypass the threads' lists, and the shared list keeps no more bytes of them than were once in
// use at the same time. Under the address sanitizer every block comes from malloc, so that it sees
// each use of a freed tensor.
#include "rewind/tensor/memory.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)  // g++
#define REWIND_PLAIN_MALLOC 1
#elif defined(__has_feature)  // clang
#if __has_feature(address_sanitizer)
#define REWIND_PLAIN_MALLOC 1
#endif
#endif

namespace rw::memory {
namespace {

#ifdef REWIND_PLAIN_MALLOC
constexpr bool kRecycle = false;
#else
constexpr bool kRecycle = true;
#endif

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kFineLimit = 1024;                  // multiples of 64 up to here
constexpr std::size_t kSlabLimit = std::size_t{1} << 14;  // carved from slabs up to here
constexpr std::size_t kSlabBytes = std::size_t{1} << 18;
constexpr std::size_t kLargeLimit = std::size_t{1} << 20;  // shared list only from here
constexpr std::size_t kBatchBytes = std::size_t{1} << 16;
constexpr int kFineClasses = kFineLimit / kAlignment;
constexpr int kStepsPerDoubling = 8;
constexpr int kClasses = kFineClasses + (48 - 10) * kStepsPerDoubling;

int class_of(std::size_t bytes) {
  if (bytes <= kFineLimit) return bytes == 0 ? 0 : static_cast<int>((bytes - 1) / kAlignment);
  const auto power =
      static_cast<int>(std::bit_width(bytes - 1)) - 1;  // 2^power < bytes <= 2^(power + 1)
  const std::size_t step = std::size_t{1} << (power - 3);
  const auto eighth = static_cast<int>((bytes - 1 - (std::size_t{1} << power)) / step);
  return kFineClasses + (power - 10) * kStepsPerDoubling + eighth;
}

std::size_t bytes_of_class(int c) {
  if (c < kFineClasses) return static_cast<std::size_t>(c + 1) * kAlignment;
  const int power = 10 + (c - kFineClasses) / kStepsPerDoubling;
  const auto eighth = static_cast<std::size_t>((c - kFineClasses) % kStepsPerDoubling);
  return (std::size_t{1} << power) + (eighth + 1) * (std::size_t{1} << (power - 3));
}

// What a free block holds: the next one of its list and, in the first of a batch, the next batch.
struct Free {
  Free* next;
  Free* next_batch;
};

struct List {
  Free* head = nullptr;
  std::uint32_t count = 0;
};

std::uint32_t batch_size(int c) {
  return static_cast<std::uint32_t>(
      std::clamp<std::size_t>(kBatchBytes / bytes_of_class(c), 1, 256));
}

void* from_system(std::size_t bytes) {
  void* block = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  if (!block) throw std::bad_alloc();
  return block;
}

// Batches that no thread holds. Lives for ever, so that tensors in static variables may die late.
class Shared {
 public:
  static Shared& instance() {
    static Shared* const shared = new Shared;
    return *shared;
  }

  List take(int c) {
    std::lock_guard lock(mutex_);
    Free*& top = batches_[static_cast<std::size_t>(c)];
    if (!top) return {};
    Free* batch = top;
    top = batch->next_batch;
    if (bytes_of_class(c) >= kLargeLimit) waiting_ -= bytes_of_class(c);
    return {batch, count(batch)};
  }

  void give(int c, Free* batch) {
    const std::size_t bytes = bytes_of_class(c);
    {
      std::lock_guard lock(mutex_);
      if (bytes < kLargeLimit || waiting_ + bytes <= peak_) {
        Free*& top = batches_[static_cast<std::size_t>(c)];
        batch->next_batch = top;
        top = batch;
        if (bytes >= kLargeLimit) waiting_ += bytes;
        return;
      }
    }
    std::free(batch);
  }

  void large_in_use(std::ptrdiff_t change) {
    std::lock_guard lock(mutex_);
    large_ += static_cast<std::size_t>(change);
    peak_ = std::max(peak_, large_);
  }

  void release_unused() {
    for (int c = class_of(kLargeLimit); c < kClasses; c++) {
      while (Free* block = take(c).head) std::free(block);
    }
  }

  Free* carve(int c) {
    const std::size_t bytes = bytes_of_class(c);
    const std::size_t count = std::min<std::size_t>(kSlabBytes / bytes, batch_size(c));
    auto* slab = static_cast<std::byte*>(from_system(count * bytes));
    Free* list = nullptr;
    for (std::size_t i = count; i-- > 0;) {
      list = new (slab + i * bytes) Free{list, nullptr};
    }
    return list;
  }

  static std::uint32_t count(const Free* list) {
    std::uint32_t n = 0;
    for (; list; list = list->next) n++;
    return n;
  }

 private:
  std::mutex mutex_;
  std::array<Free*, kClasses> batches_{};
  std::size_t waiting_ = 0;  // bytes of large blocks on the list
  std::size_t large_ = 0;    // bytes of large blocks in use
  std::size_t peak_ = 0;
};

struct Magazine {
  List current;
  Free* spare = nullptr;
};

struct Cache {
  std::array<Magazine, kClasses> magazines{};
  // Written by their thread alone, read by whoever counts. Differences of them may be negative.
  std::atomic<std::ptrdiff_t> bytes{0}, blocks{0};
};

struct Totals {
  std::mutex mutex;
  std::vector<Cache*> caches;
  std::ptrdiff_t bytes = 0, blocks = 0;  // of threads that have ended
  static Totals& instance() {
    static Totals* const totals = new Totals;
    return *totals;
  }
};

constinit thread_local Cache* cache = nullptr;
constinit thread_local bool thread_ends = false;

// Gives a thread's free blocks to the others when the thread ends.
struct Farewell {
  Farewell() = default;
  Farewell(const Farewell&) = delete;
  Farewell& operator=(const Farewell&) = delete;
  ~Farewell() {
    for (int c = 0; c < kClasses; c++) {
      Magazine& m = cache->magazines[static_cast<std::size_t>(c)];
      if (m.current.head) Shared::instance().give(c, m.current.head);
      if (m.spare) Shared::instance().give(c, m.spare);
    }
    Totals& totals = Totals::instance();
    std::lock_guard lock(totals.mutex);
    totals.bytes += cache->bytes;
    totals.blocks += cache->blocks;
    std::erase(totals.caches, cache);
    delete cache;
    cache = nullptr;
    thread_ends = true;
  }
};

Cache* make_cache() {
  cache = new Cache;
  {
    Totals& totals = Totals::instance();
    std::lock_guard lock(totals.mutex);
    totals.caches.push_back(cache);
  }
  thread_local Farewell farewell;
  return cache;
}

// A tensor that dies while its thread's variables are being destroyed counts for the ended threads.
void count_late(std::ptrdiff_t bytes, std::ptrdiff_t blocks) {
  Totals& totals = Totals::instance();
  std::lock_guard lock(totals.mutex);
  totals.bytes += bytes;
  totals.blocks += blocks;
}

void count(Cache& c, std::ptrdiff_t bytes, std::ptrdiff_t blocks) {
  c.bytes.store(c.bytes.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
  c.blocks.store(c.blocks.load(std::memory_order_relaxed) + blocks, std::memory_order_relaxed);
}

void refill(Magazine& m, int c) {
  if (m.spare) {
    m.current = {m.spare, batch_size(c)};
    m.spare = nullptr;
    return;
  }
  m.current = Shared::instance().take(c);
  if (m.current.head) return;
  if (bytes_of_class(c) <= kSlabLimit) {
    Free* list = Shared::instance().carve(c);
    m.current = {list, Shared::count(list)};
  } else {
    m.current = {new (from_system(bytes_of_class(c))) Free{nullptr, nullptr}, 1};
  }
}

void* allocate_large(int c) {
  const std::size_t bytes = bytes_of_class(c);
  void* block = Shared::instance().take(c).head;
  if (!block) block = from_system(bytes);
  Shared::instance().large_in_use(static_cast<std::ptrdiff_t>(bytes));
  return block;
}

void release_large(void* block, int c) {
  Shared::instance().large_in_use(-static_cast<std::ptrdiff_t>(bytes_of_class(c)));
  Shared::instance().give(c, new (block) Free{nullptr, nullptr});
}

void* take_block(Cache* mine, int c) {
  const std::size_t size = bytes_of_class(c);
  if (!kRecycle) return from_system(size);
  if (size >= kLargeLimit) return allocate_large(c);
  if (!mine) return from_system(size);
  Magazine& m = mine->magazines[static_cast<std::size_t>(c)];
  if (!m.current.head) refill(m, c);
  Free* block = m.current.head;
  m.current.head = block->next;
  m.current.count--;
  // The next block will be written soon and may have left the cache since it was released: a long
  // tape's activations. (Recording a chain of 10,000: 5 ns less for each operation.)
  __builtin_prefetch(block->next, 1);
  return block;
}

}  // namespace

Block allocate(std::size_t bytes) {
  const int c = class_of(bytes);
  if (c >= kClasses) throw std::bad_alloc();
  Cache* mine = cache ? cache : thread_ends ? nullptr : make_cache();
  void* const data = take_block(mine, c);
  const auto size = static_cast<std::ptrdiff_t>(bytes_of_class(c));
  if (mine) {  // only what was given out: the above may throw
    count(*mine, size, 1);
  } else {
    count_late(size, 1);
  }
  return {data, static_cast<std::uint16_t>(c)};
}

void release(Block block) noexcept {
  const int c = block.size_class;
  const std::size_t size = bytes_of_class(c);
  Cache* mine = cache ? cache : thread_ends ? nullptr : make_cache();
  if (mine) {
    count(*mine, -static_cast<std::ptrdiff_t>(size), -1);
  } else {
    count_late(-static_cast<std::ptrdiff_t>(size), -1);
  }
  if (!kRecycle) return std::free(block.data);
  if (size >= kLargeLimit) return release_large(block.data, c);
  if (!mine) return Shared::instance().give(c, new (block.data) Free{nullptr, nullptr});
  Magazine& m = mine->magazines[block.size_class];
  if (m.current.count >= batch_size(c)) {
    if (m.spare) Shared::instance().give(c, m.spare);
    m.spare = m.current.head;
    m.current = {};
  }
  m.current.head = new (block.data) Free{m.current.head, nullptr};
  m.current.count++;
}

std::size_t bytes_in_use() {
  Totals& totals = Totals::instance();
  std::lock_guard lock(totals.mutex);
  std::ptrdiff_t sum = totals.bytes;
  for (const Cache* c : totals.caches) sum += c->bytes.load(std::memory_order_relaxed);
  return static_cast<std::size_t>(sum);
}

std::size_t blocks_in_use() {
  Totals& totals = Totals::instance();
  std::lock_guard lock(totals.mutex);
  std::ptrdiff_t sum = totals.blocks;
  for (const Cache* c : totals.caches) sum += c->blocks.load(std::memory_order_relaxed);
  return static_cast<std::size_t>(sum);
}

void release_unused() { Shared::instance().release_unused(); }

}  // namespace rw::memory
