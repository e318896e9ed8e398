// What the engine makes of a step: the plans of scans in words.
//
//   std::puts(explain([&] { encoder(x); }).c_str());          // every scan that this runs
//   std::puts(explain(step, xs, h0).c_str());                 // that of scan(step, xs, h0)
//
// A text has three parts: the step as it was traced, forward, and backward (for the gradients of
// everything that can have one). In the latter two:
//
//   at every step, carried, always the same
//                        what comes in: x of each step, h that goes from step to step, weights w
//   on the tape before the loop, once
//                        what depends on weights alone, by ordinary operations (products are
//                        ordered_matmul); its results are p1, p2, ..., of the way back q1, q2, ...
//   before the loop      hoisted: for many steps at once; by the table: what is looked up there is
//                        multiplied in the table itself, where it has at most half as many rows as
//                        all steps together
//   at every step        the loop, line by line:
//     product              with a weight that is packed once, added onto what is there or not
//     elements             operations in one pass; an instruction may do several of them (fused),
//                          and some take several
//     ordinary             by the kernel of the operation, and why
//     copy                 where a value cannot be made where it is wanted
//     constant, no work    made once for all steps; a part of what is there
//     joined               values side by side in memory; which of them are copied there
//     next, added up       what becomes of the states, and of sums that no product over all steps
//                          gives
//   after the loop       sunk: for many steps at once, gradients of weights among it
//   gives                what comes out: outputs, gradients
//   kept                 (forward) what the way back reads that the loop remembers
//   in the place of      results that go over what nobody reads any more
//   time                 how many steps the loop runs over before work for the next ones begins
//   rows, columns        how workers share the loop, for the threads of the caller, and from how
//   many
//                        steps on, with fewer of which one is faster; or why not
//
// Values are called x, h, w (x0, x1, ... where there are several) or by number, as %2, counted anew
// in each part; on the way back f%2 is what the forward part calls %2, and dh the gradient of h.
// Shapes are those of one step. Weights have their own names where these are given, and with
// nn::Recurrent::explain. Operations are the structs of the headers with their attributes:
// affine{a, b} is a x + b. The wording is for people, not for programs to read.
#pragma once

#include <map>
#include <string>

#include "rewind/autograd/scan.h"

namespace [[gnu::visibility("default")]] rw {

// Runs it, recorded by no tape, and explains the scans of this thread in their order. Random
// numbers drawn in it are drawn again afterwards. Of what steps mention, `names` tells what to call
// it instead of w0, w1, ...: nn::named_tensors(model), say.
std::string explain(const std::function<void()>& run,
                    const std::map<std::string, Tensor>& names = {});

template <class Step, class Inputs, class State>
std::string explain(Step&& step, const Inputs& xs, const State& initial,
                    const ScanOptions<std::type_identity_t<State>>& options = {}) {
  return explain([&] { scan(step, xs, initial, options); });
}

}  // namespace rw
