// Work on several cores, by OpenMP, to which only the .cpp of this header speaks.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "rewind/tensor/index.h"

namespace [[gnu::visibility("default")]] rw {

// How many threads the next parallel work of this thread uses, itself included: what the innermost
// `Threads` says, else OpenMP's default (OMP_NUM_THREADS, or the processors of this process). One
// inside a worker, and in a child process whose parent forked after it had started workers: they
// do not exist there, and waiting for them would hang.
int thread_count();

// How many processors this process may run on.
int processor_count();

// Bounds the workers of this thread until the end of the scope. The outermost scope may ask for any
// number, also more than there are processors; one inside it can only lower that. Throws ValueError
// unless count >= 1.
class [[nodiscard]] Threads {
 public:
  explicit Threads(int count);
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads();

 private:
  int before_;
};

// Until the end of the scope, OpenMP code of others (OpenBLAS) that this thread calls runs on this
// thread alone. Other threads are not affected.
class [[nodiscard]] SingleThreadedOpenMp {
 public:
  SingleThreadedOpenMp();
  SingleThreadedOpenMp(const SingleThreadedOpenMp&) = delete;
  SingleThreadedOpenMp& operator=(const SingleThreadedOpenMp&) = delete;
  ~SingleThreadedOpenMp();

 private:
  int before_;
};

// Workers that run at the same time and wait for each other.
class Team {
 public:
  explicit Team(int size) : size_(size) {}
  int size() const { return size_; }

  // Returns when every worker of the team has called it as often as this one has. What any of them
  // wrote before, all read afterwards. It spins, for waits of microseconds, and lets other threads
  // have the processor where it takes longer.
  void wait();

 private:
  // Apart from each other: who waits reads one, who comes writes the other.
  const int size_;
  alignas(64) std::atomic<int> arrived_ = 0;
  alignas(64) std::atomic<std::uint32_t> round_ = 0;
};

namespace parallel_internal {
using Body = void (*)(void* f, Index begin, Index end);
void run(Index n, Index grain, Body body, void* f);
using MemberBody = void (*)(void* f, Team& team, int member);
void run_team(int most, MemberBody body, void* f);
}  // namespace parallel_internal

// Calls f(begin, end) for [0, grain), [grain, 2 grain), ... up to n, spread over the workers. The
// ranges depend on n and grain alone, so a sum per range, added up in order, has the same bits for
// any thread count. Every worker takes neighbouring ranges, in order, and rounds as its caller does
// (float_mode.h). When ranges throw, the exception of the lowest one is thrown here.
// f computes for itself: what it does with tensors is seen by no interpreter, on any worker.
template <class F>
void parallel_for(Index n, Index grain, F&& f) {
  using Function = std::remove_reference_t<F>;
  parallel_internal::run(
      n, grain,
      [](void* erased, Index begin, Index end) { (*static_cast<Function*>(erased))(begin, end); },
      const_cast<void*>(static_cast<const void*>(std::addressof(f))));
}

// Calls f(team, member) for each member 0 .. team.size() - 1 of a team of up to `most` workers, and
// not more than there are (a single one inside a worker). f must not throw, which ends the program:
// the others would wait for ever. Otherwise as parallel_for.
template <class F>
void together(int most, F&& f) {
  using Function = std::remove_reference_t<F>;
  parallel_internal::run_team(
      most,
      [](void* erased, Team& team, int member) { (*static_cast<Function*>(erased))(team, member); },
      const_cast<void*>(static_cast<const void*>(std::addressof(f))));
}

}  // namespace rw
