// What a rewind returns: the gradient of every parameter and watched tensor that had a part in it.
// A value: gradients of several batches are added, scaled, kept, compared. There is nothing to
// zero.
#pragma once

#include <optional>
#include <unordered_map>

#include "rewind/autograd/parameter.h"

namespace [[gnu::visibility("default")]] rw {

// A parameter or a watched tensor, named in options and look-ups. Of a tensor it remembers where it
// stands, not its numbers.
class Variable {
 public:
  Variable(const Parameter& parameter)
      : parameter_(parameter.tie()), mark_(parameter.value().mark()), spec_(parameter.spec()) {}
  Variable(const Tensor& watched) : mark_(watched.mark()), spec_(watched.spec()) {}
  Variable(const Variable& other)
      : parameter_(other.parameter_.tie()), mark_(other.mark_), spec_(other.spec_) {}
  Variable(Variable&&) noexcept = default;
  Variable& operator=(const Variable&) = delete;
  Variable& operator=(Variable&&) noexcept = default;
  ~Variable() = default;

  bool is_parameter() const { return parameter_.defined(); }
  const Parameter& parameter() const { return parameter_; }
  // Where the tensor stands; of a parameter 0, unless its value was computed or watched on a tape.
  std::uint64_t mark() const { return mark_; }
  const Spec& spec() const { return spec_; }
  // The same for the same variable, and for no other of this process.
  std::uint64_t key() const { return is_parameter() ? ~parameter_.id() : mark_; }
  std::string description() const;  // for messages: a name and a shape

 private:
  Parameter parameter_;
  std::uint64_t mark_ = 0;
  Spec spec_;
};

// One gradient as a sum of terms. Most have one dense term. A term with rows stands for a tensor
// that is zero but for values[i] added to row rows[i]: what an embedding's gradient is, before
// anyone spreads it over the whole table.
struct Gradient {
  struct Term {
    Tensor values;
    Tensor rows;  // undefined for a dense term
    bool is_dense() const { return !rows.defined(); }
  };
  Spec spec;
  std::vector<Term> terms;

  bool is_sparse() const;  // every term has rows
  Tensor dense() const;    // the sum; zeros when there are no terms
};

class Gradients {
 public:
  struct Entry {
    Variable of;
    Gradient gradient;
  };

  // The gradient as one tensor: zeros for a variable that was on the tape though nothing arrived
  // there. Throws GradientError for what had no part in that tape.
  Tensor operator[](const Variable& variable) const;

  // The terms; null where nothing arrived.
  const Gradient* find(const Variable& variable) const;

  // In the order of first use on the tape. Only what a gradient reached.
  const std::vector<Entry>& entries() const { return entries_; }
  std::vector<Entry>& entries() { return entries_; }

  // Sums of gradients, entry by entry: of several batches, or tapes.
  Gradients& operator+=(const Gradients& other);
  Gradients& operator*=(double factor);

  // Adds to what is there. A gradient without terms says only that the variable was on the tape.
  void add(const Variable& of, Gradient gradient);

 private:
  std::vector<Entry> entries_;
  std::unordered_map<std::uint64_t, std::size_t> position_;  // by key, in entries_
  std::unordered_map<std::uint64_t, Spec> unreached_;
};

}  // namespace rw
