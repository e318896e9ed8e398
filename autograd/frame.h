// What the tape keeps of an operation for its rules, and hands to them on the way back. Rules are
// written with rules.h, which turns their parameters into these.
#pragma once

#include "rewind/tensor/op.h"

namespace [[gnu::visibility("default")]] rw {

// What a rule reads, as sets of positions (bit i: input, output or shape number i).
struct Needs {
  static constexpr unsigned kAllShapes = 0xFFFF;
  unsigned inputs = 0, outputs = 0, shapes = 0;
  bool attributes = false;
  bool own_shape = false;  // the shape of the argument that the rule is for

  constexpr void add(const Needs& other) {
    inputs |= other.inputs;
    outputs |= other.outputs;
    shapes |= other.shapes;
    attributes |= other.attributes;
    own_shape |= other.own_shape;
  }
};

// Where the gradient of an input goes. Slot 0 means nowhere.
struct Edge {
  std::uint32_t slot;
  std::uint32_t fingerprint;  // of the input's spec: a rule must return a gradient of that spec
};

// The size of a set of positions. Baseline x86-64 has no instruction for it, and these have one or
// two.
constexpr int count_of(unsigned set) {
  int count = 0;
  for (; set; set &= set - 1) count++;
  return count;
}

// One recorded operation as its rules see it.
struct Frame {
  const void* op;
  const Tensor* dy;  // one per output
  Tensor* kept;      // inputs, then outputs, in the order of their positions
  const Spec* specs;
  std::span<const Edge> edges;
  Needs needs;
  const std::uint8_t* needed_slots = nullptr;  // null: every slot is
  int argument = 0;
  Tensor* into = nullptr;
  Tensor* joint = nullptr;
  // Where the terms of some arguments are asked for one by one, by slot, and where they go: each
  // with the position of its argument.
  const std::uint8_t* per_use_slots = nullptr;  // null: none
  std::vector<std::pair<int, Tensor>>* terms = nullptr;
  Tensor* spent = nullptr;  // the one dy, when nobody asks for it after the rules
  bool last = false;        // no rule reads what was kept after this one

  static int rank_of(unsigned set, int i) { return count_of(set & ((1u << i) - 1)); }
  Tensor kept_input(int i) const { return read(kept[rank_of(needs.inputs, i)]); }
  Tensor kept_output(int i) const {
    return read(kept[count_of(needs.inputs) + rank_of(needs.outputs, i)]);
  }
  const Spec& kept_shape(int i) const {
    return specs[needs.shapes == Needs::kAllShapes ? i : rank_of(needs.shapes, i)];
  }
  bool wanted(int i) const {
    const std::uint32_t slot = edges[static_cast<std::size_t>(i)].slot;
    return slot != 0 && (!needed_slots || needed_slots[slot]);
  }
  bool per_use(int i) const {
    const std::uint32_t slot = edges[static_cast<std::size_t>(i)].slot;
    return slot != 0 && per_use_slots && per_use_slots[slot];
  }

 private:
  Tensor read(Tensor& x) const {
    if (last) return std::move(x);  // not `? :`, by which clang copies
    return x;
  }
};

// The rules of one operation, erased to function pointers.
struct RuleSet {
  static constexpr int kArguments = 6;
  struct Argument {
    Tensor (*call)(Frame&) = nullptr;
    Tensor (*unrecorded)(Frame&) = nullptr;
    void (*rows)(Frame&, Tensor* indices, Tensor* values) = nullptr;
    Needs needs;
    bool into = false;
    bool stops = false;
  };
  std::array<Argument, kArguments> arguments{};
  void (*joint)(Frame&) = nullptr;
  Needs joint_needs;
  // For an operation with any number of outputs: what its joint rule reads of this application, in
  // place of needs. The rule finds it in Frame::kept.
  void (*keep)(const void* op, std::span<const Tensor* const> inputs,
               std::span<const Tensor> outputs, std::vector<const Tensor*>& kept) = nullptr;
  // For an operation that stands for many uses of its first so many arguments, as a loop does. What
  // arrives at these, and passes through so many records right before its own, are sums over the
  // uses. Where the terms are known, its joint rule gives them to Frame::terms.
  struct Uses {
    int arguments = 0, records = 0;
    bool known = false;
  };
  Uses (*uses)(const void* op) = nullptr;
  bool broadcasts = false;
  bool missing = true;
};

// The rules of an operation: of the library's table, or those that the operation brings. Asked of
// the table once per operation and process.
const RuleSet& rules_of(const OpType& type);

}  // namespace rw
