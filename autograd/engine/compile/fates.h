// Where each operation of a step runs: for many steps at once before the loop, at every step, or
// for many steps at once after it.
//
//   before   what depends on inputs alone and is heavy (x W), with what leads to it; and what joins
//            it without adding a stack of numbers (+ b)
//   after    what no next state needs, if it is heavy or stands on something heavy: outputs made of
//            states, and the sums over all steps that are gradients of weights
//   loop     the rest
//
// What runs after the loop reads stacks: values of the loop, remembered for every step. A minimum
// cut moves light operations behind the loop where that makes the stacks smaller.
//
// (Theano's scan had these as PushOutNonSeq, PushOutSeq and PushOutScanOutput.)
#pragma once

#include "rewind/autograd/engine/rows/rows.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

enum class Fate : char {
  dead,
  before,
  loop,
  after,
  both,  // in the loop, and after it once more: cheaper than remembering what it gave
};

constexpr bool runs_in_loop(Fate fate) { return fate == Fate::loop || fate == Fate::both; }
constexpr bool runs_after(Fate fate) { return fate == Fate::after || fate == Fate::both; }
constexpr bool runs_outside(Fate fate) { return fate == Fate::before || runs_after(fate); }

struct Fates {
  std::vector<Fate> node;     // by node
  std::vector<bool> stacked;  // by value: made in the loop, and read after it or given as output
  // Sums that are added up in the loop, as positions in step.sums.
  std::vector<int> accumulated;
};

struct FateOptions {
  bool hoist = true, sink = true;
  friend bool operator==(const FateOptions&, const FateOptions&) = default;
};

Fates fates_of(const Step& step, const Rows& rows, const FateOptions& options = {});

}  // namespace engine
}  // namespace rw
