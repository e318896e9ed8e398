// What the engine makes of a step: the plans of scans in words.
//
//   std::puts(explain([&] { encoder(x); }).c_str());          // every scan that this runs
//   std::puts(explain(step, xs, h0).c_str());                 // that of scan(step, xs, h0)
//
// A text has two parts, forward and the way back (for the gradients of everything that can have
// one), with the same lines in each:
//
//   what comes in        x of each step, h carried from step to step, w the same at every step
//   on the tape          what depends on weights alone: done once, by ordinary operations
//   before the loop      hoisted: for many steps at once; by the table: what is looked up there is
//                        multiplied in the table itself, where it has at most half as many rows as
//                        all steps together
//   at every step        products with weights that are packed once; element-wise programs, each of
//                        several operations in one pass, of which an instruction may do several
//                        (fused) and some take several; ordinary kernels, and why
//   after the loop       sunk: for many steps at once, gradients of weights among it
//   kept                 what the way back reads that the forward loop remembers
//   in the place of      results that go over what nobody reads any more
//   time                 how many steps the loop runs over before work for the next ones begins
//   rows, columns        how workers share the loop, for the threads of the caller; or why not
//
// Values are called x, h, w (x0, x1, ... where there are several) or by number, as %2; on the way
// back f%2 is the forward step's %2, and dh the gradient of h. Weights have their own names where
// these are given, and with nn::Recurrent::explain. The wording is for people, not for
// programs to read.
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
