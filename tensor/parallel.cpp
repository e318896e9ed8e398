#include "rewind/tensor/parallel.h"

#include <hwy/cache_control.h>
#include <omp.h>
#include <pthread.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <mutex>
#include <optional>
#include <thread>

#include "rewind/tensor/error.h"
#include "rewind/tensor/float_mode.h"
#include "rewind/tensor/interpreter.h"

namespace rw {
namespace {

constinit thread_local int limit = 0;  // 0: no scope says anything
constinit thread_local bool has_workers = false;
constinit thread_local bool lost_workers = false;

// OpenMP keeps its workers for the next region, and fork copies the belief in them but not the
// threads.
void note_workers() {
  if (has_workers) return;
  has_workers = true;
  static std::once_flag once;
  std::call_once(once,
                 [] { pthread_atfork(nullptr, nullptr, [] { lost_workers |= has_workers; }); });
}

// The exception that one thread would have met first.
class FirstFailure {
 public:
  void record(Index range) {
    std::lock_guard lock(mutex_);
    if (range >= range_) return;
    range_ = range;
    exception_ = std::current_exception();
  }
  void rethrow() const {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  std::mutex mutex_;
  Index range_ = std::numeric_limits<Index>::max();
  std::exception_ptr exception_;
};

struct Ranges {
  Index n, grain;
  Index count() const { return n / grain + (n % grain != 0); }
  Index begin(Index range) const { return range * grain; }
  Index end(Index range) const { return range + 1 == count() ? n : (range + 1) * grain; }
};

}  // namespace

int thread_count() {
  if (lost_workers) return 1;
  return limit ? limit : omp_get_max_threads();
}

int processor_count() { return omp_get_num_procs(); }

Threads::Threads(int count) : before_(limit) {
  require(count >= 1, "threads: wants at least 1, got {}", count);
  limit = before_ ? std::min(before_, count) : count;
}

Threads::~Threads() { limit = before_; }

SingleThreadedOpenMp::SingleThreadedOpenMp() : before_(omp_get_max_threads()) {
  if (before_ != 1) omp_set_num_threads(1);
}

SingleThreadedOpenMp::~SingleThreadedOpenMp() {
  if (before_ != 1) omp_set_num_threads(before_);
}

namespace {

// Both by themselves, since a compiler may begin a function with a team in it by calling the OpenMP
// runtime, which takes memory the first time that a thread does: work of one thread shall need none
// of it.
[[gnu::noinline]] void run_on_workers(int workers, const Ranges& ranges,
                                      parallel_internal::Body body, void* f) {
  note_workers();
  FirstFailure failure;
  const bool flush = FlushDenormals::active();
  const Index count = ranges.count();
#pragma omp parallel num_threads(workers)
  {
    const Threads alone(1);
    const FlushDenormals mode(flush);
    const Index me = omp_get_thread_num();
    const Index team = omp_get_num_threads();
    Index r = me * (count / team) + std::min(me, count % team);
    const Index last = r + count / team + (me < count % team);
    try {
      for (; r < last; r++) body(f, ranges.begin(r), ranges.end(r));
    } catch (...) {
      failure.record(r);
    }
  }
  failure.rethrow();
}

[[gnu::noinline]] void run_team_of_workers(int workers, parallel_internal::MemberBody body,
                                           void* f) {
  note_workers();
  const bool flush = FlushDenormals::active();
  std::optional<Team> team;
#pragma omp parallel num_threads(workers)
  {
    const Threads alone(1);
    const FlushDenormals mode(flush);
#pragma omp single
    team.emplace(omp_get_num_threads());
    [&]() noexcept { body(f, *team, omp_get_thread_num()); }();
  }
}

}  // namespace

void parallel_internal::run(Index n, Index grain, Body body, void* f) {
  require(grain >= 1, "parallel_for: wants a grain of at least 1, got {}", grain);
  if (n <= 0) return;
  const Uninterpreted computed;
  const Ranges ranges{n, grain};
  const Index count = ranges.count();
  const int workers = static_cast<int>(std::min<Index>(count, thread_count()));
  if (workers > 1) return run_on_workers(workers, ranges, body, f);
  for (Index r = 0; r < count; r++) body(f, ranges.begin(r), ranges.end(r));
}

void Team::wait() {
  const std::uint32_t round = round_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
    arrived_.store(0, std::memory_order_relaxed);
    round_.store(round + 1, std::memory_order_release);
    return;
  }
  constexpr int kSpins = 4000;  // 50 to 200 us; where all are there, waiting takes less than 1
  for (int spins = 0; round_.load(std::memory_order_acquire) == round; spins++) {
    spins < kSpins ? hwy::Pause() : std::this_thread::yield();
  }
}

void parallel_internal::run_team(int most, MemberBody body, void* f) {
  const Uninterpreted computed;
  const int workers = std::min(most, thread_count());
  if (workers > 1) return run_team_of_workers(workers, body, f);
  Team team(1);
  [&]() noexcept { body(f, team, 0); }();
}

}  // namespace rw
