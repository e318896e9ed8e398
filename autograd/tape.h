// The tape: while one lives, the operations of its thread that depend on a parameter or a watched
// tensor are recorded; `backward` runs the record in reverse.
//
//   Tape tape;
//   Tensor loss = mean(square(model(x) - y));
//   Gradients gradients = tape.backward(loss);
//
// Nothing is recorded without a tape. A tensor that outlives its tape is a constant to the next
// one, so carrying a state over is truncated back-propagation through time.
//
// One tape per thread at a time; different threads have tapes of their own, also over the same
// parameters. A tape lives and dies on one thread.
#pragma once

#include "rewind/autograd/arena.h"
#include "rewind/autograd/gradients.h"
#include "rewind/autograd/rules.h"
#include "rewind/tensor/mark.h"

namespace [[gnu::visibility("default")]] rw {

struct TapeOptions {
  bool training = true;  // whether dropout and its like act while this tape records
};

struct BackwardOptions {
  // Leaves the rewind itself on the tape, for derivatives of gradients. Implies keep.
  bool record = false;
  // Keeps what the rules read, so that the same part of the tape can be rewound again.
  bool keep = false;
  // Only these gradients, and what leads to them, are computed. Empty: all.
  std::vector<Variable> wrt = {};
  // Of these the terms are kept apart, one per use, in the order of the rewind (last use first).
  // What the step of a scan uses has a term for each step, the last first, and each use in it, in
  // any order, or none where it has no effect; finding them costs the scan once more. Throws
  // GradientError where they cannot be told apart.
  std::vector<Variable> per_use = {};
};

// A result and the gradient that arrives at it from outside.
struct Upstream {
  Tensor y, dy;
};

struct Record;

class [[nodiscard]] Tape final : public Interpreter {
 public:
  // Throws GradientError while another tape of this thread records.
  explicit Tape(TapeOptions options = {});
  ~Tape();

  // Makes x a variable of this tape: gradients will know it. A float tensor that is on the tape
  // already keeps its place, and its gradient is kept as well. The first form throws GradientError
  // when x stands on another tape of this thread, whose place x would lose; the second takes a
  // copy, which is a constant there.
  Tensor& watch(Tensor& x);
  [[nodiscard]] Tensor watch(const Tensor& x);

  // The gradients of `loss`, which has one element. What the rules kept is let go as the rewind
  // passes. Throws GradientError when loss was not computed under this tape, when a rule is
  // missing, or when an earlier rewind has let go what this one needs.
  Gradients backward(const Tensor& loss, const BackwardOptions& options = {});

  // The same from several results, with the gradients that arrive at them.
  Gradients backward(const std::vector<Upstream>& upstream, const BackwardOptions& options = {});

  // The tape that was started last on this thread; null when there is none, or it is paused.
  static Tape* current();
  bool recording() const { return pauses_ == 0; }
  bool training() const { return options_.training; }

  // The parameter's value with its place on this tape.
  Tensor follow(const Parameter& parameter);

  // The number of operations on the tape.
  std::size_t size() const { return size_; }

  void run(Call& call) override;
  bool holds(std::uint64_t mark) const override { return slot_of(mark) != 0; }

 private:
  friend class Pause;
  friend class Rewinder;

  std::uint32_t slot_of(std::uint64_t mark) const {
    return serial_of(mark) == serial_ ? slot_in(mark) : 0;
  }
  std::uint32_t slot_of(const Tensor& x) const { return slot_of(x.mark()); }
  std::uint64_t mark_of(std::uint32_t slot) const { return rw::mark_of(serial_, slot); }
  std::uint32_t new_slots(std::size_t count);
  // The slot of a variable of this tape, 0 for others.
  std::uint32_t slot_of(const Variable& variable) const;

  void record(Call& call, const RuleSet& rules);
  Needs needs_of(const Call& call, const RuleSet& rules, bool* wanted) const;
  void write(const Call& call, const RuleSet& rules, const Needs& needs);

  // A variable that gradients are asked of. A watched result is one that operations computed.
  struct Leaf {
    std::uint32_t slot;
    bool computed;
    Variable variable;
  };

  TapeOptions options_;
  std::uint64_t serial_;
  std::uint32_t slots_ = 1;
  int pauses_ = 0;
  std::size_t size_ = 0;
  Record* last_ = nullptr;
  Arena arena_;
  std::vector<Leaf> leaves_;
  std::unordered_map<std::uint64_t, std::size_t> leaf_of_parameter_;  // by Parameter::id
  Tape* outer_;  // the paused tape under which this one was started

  static constinit thread_local Tape* current_;
};

// While it lives, the current tape of this thread records nothing: what is computed is a constant,
// in the step of a scan too.
class [[nodiscard]] Pause {
 public:
  Pause();
  ~Pause();
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;

 private:
  std::uint64_t serial_;  // of the tape; 0: there was none
};

// Whether dropout and its like act: while a tape records that was started for training, unless a
// Training scope says otherwise.
bool training();

class [[nodiscard]] Training {
 public:
  explicit Training(bool on);
  ~Training();
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

 private:
  friend bool training();
  bool on_;
  Training* outer_;
};

}  // namespace rw
