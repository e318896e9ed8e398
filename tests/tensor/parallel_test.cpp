// Workers: how many, who does what, what they throw, what a fork leaves of them.
#include "rewind/tensor/parallel.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include "rewind/tensor/float_mode.h"
#include "rewind/tensor/matmul.h"
#include "support/elements.h"

namespace rw {
namespace {

TEST(Parallel, AScopeBoundsTheWorkersAndAnInnerOneOnlyLowersThem) {
  const int before = thread_count();
  {
    const Threads outer(3);
    EXPECT_EQ(thread_count(), 3);
    {
      const Threads inner(2);
      EXPECT_EQ(thread_count(), 2);
    }
    const Threads more(8);
    EXPECT_EQ(thread_count(), 3);
  }
  EXPECT_EQ(thread_count(), before);
}

TEST(Parallel, AScopeBindsItsOwnThreadOnly) {
  const int usual = thread_count();
  const Threads one(1);
  std::thread([&] { EXPECT_EQ(thread_count(), usual); }).join();
}

TEST(Parallel, ATeamHasNoMoreWorkersThanThereAre) {
  const auto members = [](int most) {
    std::atomic<int> count = 0;
    together(most, [&](Team& team, int member) {
      EXPECT_LE(0, member);
      EXPECT_LT(member, team.size());
      count++;
    });
    return count.load();
  };
  const Threads scope(3);
  EXPECT_EQ(members(1), 1);
  EXPECT_EQ(members(2), 2);
  EXPECT_EQ(members(5), 3);
  parallel_for(3, 1, [&](Index, Index) { EXPECT_EQ(members(3), 1); });
}

// Also of more workers than there are processors.
TEST(Parallel, ATeamWaitsUntilAllHaveComeSoFar) {
  for (const int workers : {1, 2, 3, 8}) {
    const Threads scope(workers);
    constexpr int kRounds = 300;
    std::vector<int> numbers(8, 0);  // each written by one worker, read by all
    std::atomic<int> wrong = 0;
    together(workers, [&](Team& team, int member) {
      for (int round = 1; round <= kRounds; round++) {
        numbers[static_cast<std::size_t>(member)] = round;
        team.wait();
        for (int w = 0; w < team.size(); w++) {
          if (numbers[static_cast<std::size_t>(w)] != round) wrong++;
        }
        team.wait();
      }
    });
    EXPECT_EQ(wrong, 0) << workers;
  }
}

TEST(Parallel, ATeamFlushesDenormalsAsItsCallerDoes) {
  const Threads scope(2);
  for (const bool flush : {false, true}) {
    const FlushDenormals mode(flush);
    together(2, [&](Team&, int) { EXPECT_EQ(FlushDenormals::active(), flush); });
  }
}

TEST(Parallel, FewerThanOneThreadIsAMistake) {
  EXPECT_ERROR(Threads(0), ValueError, "threads: wants at least 1, got 0");
}

TEST(Parallel, TheRangesDependOnSizeAndGrainAlone) {
  for (int threads : {1, 2, 3, 7}) {
    const Threads scope(threads);
    std::vector<Index> ends(103, 0);
    parallel_for(103, 10,
                 [&](Index begin, Index end) { ends[static_cast<std::size_t>(begin)] += end; });
    for (Index i = 0; i < 103; i++) {
      EXPECT_EQ(ends[static_cast<std::size_t>(i)], i % 10 ? 0 : std::min<Index>(i + 10, 103));
    }
  }
  parallel_for(0, 1, [](Index, Index) { FAIL(); });
}

TEST(Parallel, WorkersHaveNoWorkers) {
  const Threads scope(2);
  parallel_for(2, 1, [](Index, Index) {
    if (thread_count() != 1) throw ValueError("a worker would start others");
  });
  EXPECT_EQ(thread_count(), 2);
}

TEST(Parallel, TheExceptionOfTheLowestRangeArrives) {
  for (int threads : {1, 2, 4}) {
    const Threads scope(threads);
    for (int repeat = 0; repeat < 20; repeat++) {
      EXPECT_ERROR(parallel_for(100, 1,
                                [](Index i, Index) {
                                  if (i % 10 == 3) throw ValueError("range " + std::to_string(i));
                                }),
                   ValueError, "range 3");
    }
  }
}

TEST(Parallel, HugeSizesDoNotOverflow) {
  const Index n = std::numeric_limits<Index>::max();
  std::atomic<Index> covered{0};
  parallel_for(n, n / 2, [&](Index begin, Index end) { covered += end - begin; });
  EXPECT_EQ(covered, n);
}

double half_of_the_smallest() {
  volatile double x = std::numeric_limits<double>::min();
  return x * 0.5;
}

TEST(FloatMode, DenormalsAreFlushedInsideTheScopeOnly) {
  EXPECT_GT(half_of_the_smallest(), 0);
  {
    const FlushDenormals scope;
    if (!FlushDenormals::active()) GTEST_SKIP() << "this processor has no such mode";
    EXPECT_EQ(half_of_the_smallest(), 0);
    {
      const FlushDenormals exact(false);
      EXPECT_GT(half_of_the_smallest(), 0);
    }
    EXPECT_EQ(half_of_the_smallest(), 0);
  }
  EXPECT_GT(half_of_the_smallest(), 0);
}

// Bug 43: oneDNN #561, denormals made a recurrent layer 18 times slower in some threads.
TEST(FloatMode, Bug43EveryWorkerRoundsAsItsCaller) {
  const Threads threads(4);
  for (bool flush : {true, false, true}) {
    const FlushDenormals scope(flush);
    const bool expected = FlushDenormals::active();
    std::atomic<int> others{0};
    parallel_for(4, 1, [&](Index, Index) { others += FlushDenormals::active() != expected; });
    EXPECT_EQ(others, 0);
  }
}

// The exit status of a child process that runs f, or -1 when it hangs.
template <class F>
int in_a_child(F&& f) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    _exit(f() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Tensor ones(const Dims& shape) {
  Tensor x = Tensor::uninitialized({shape, float32});
  for (float& v : x.mutable_span<float>()) v = 1;
  return x;
}

// Bug 49: LightGBM #1789, faiss #5206, pytorch #19996: after a fork, a parallel region waits for
// ever for workers that only the parent has.
TEST(Parallel, Bug49AChildProcessMultipliesToo) {
  const Threads threads(2);
  const Tensor a = ones({512, 256}), b = ones({256, 512});
  std::atomic<Index> workers{0};
  parallel_for(2, 1, [&](Index, Index) { workers++; });
  EXPECT_EQ(matmul(a, b).span<float>()[5], 256);
  const int status = in_a_child([&] {
    std::atomic<Index> sum{0};
    parallel_for(1000, 1, [&](Index i, Index) { sum += i; });
    return sum == 499500 && matmul(a, b).span<float>()[7] == 256;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(thread_count(), 2);
}

}  // namespace
}  // namespace rw
