// The form in which a step is planned and derived. One function for the steps of users and for
// derived ones; each pass is a file of its own, and can be left out for comparison.
#pragma once

#include "rewind/autograd/engine/step/step.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct Passes {
  bool rows_first = true, plain = true, split = true, join = true, regroup = true;
  bool join_sums = true, number = true, lower = true;
  bool simplify = true;  // whatever is made (step/simplify.h)
  friend bool operator==(const Passes&, const Passes&) = default;
};

// Operations before a loop: from its old invariants to its new ones.
struct Prelude {
  Graph graph;                   // its leaves are the old invariants, in their order
  std::vector<ValueId> results;  // the new invariants
};

struct Canonical {
  Step step;
  Prelude prelude;
};

Canonical canonical(const Step& step, Index batch, const Passes& passes = {});

// (W d^T)^T becomes d W^T, whose rows of the batch come first.
Step rows_first(const Step& step);

// x [1, batch, k] times W [heads, k, n] becomes a product of matrices; other products of more than
// two axes, too.
Step plain_products(const Step& step, Index batch);

// concat({x, h}) W = x W[:I] + h W[I:], where the parts differ in what they depend on: so that each
// product can leave the loop, or stay, by itself. Where they agree, one product is better than two.
Step split_products(const Step& step);

// Products of one left operand with several invariants become one, where both are wanted at the
// same place: what reaches the next state is not joined with what does not.
Step join_products(const Step& step);

// Sums are taken in the order of what the terms depend on, so that what is known early, biases and
// products of inputs, is added early and once.
Step regroup_sums(const Step& step);

// What is added to the parts of a product one by one is put side by side and added once.
Step join_sums(const Step& step);

// Masks that are given for every step, as those of resets are, or captured, choose as numbers: they
// are made numbers before the loop, and element programs can read them.
Step number_masks(const Step& step);

// What depends on invariants alone, repetitions excepted, moves before the loop: there it is an
// ordinary operation of the tape, differentiated once and not at every step. Without `work` only
// numbers made from nothing do (arange, eye): they become invariants, whose rows are known by their
// use.
Canonical lower_invariants(const Step& step, bool work = true);

}  // namespace engine
}  // namespace rw
