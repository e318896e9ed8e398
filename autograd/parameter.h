// A weight: a tensor with an identity, which tapes follow and optimizers change.
#pragma once

#include <memory>
#include <string>

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {

// What the handles of one parameter share.
struct ParameterState {
  Tensor value;
  std::string name;  // for messages; the first holder that knows a name gives it
  std::uint64_t id;  // never used twice in a process
  bool frozen = false;
  std::atomic<int> holders{0};  // optimizers that will change it
  // Handles that let go of it: whoever had one of them may hold another parameter now.
  std::atomic<std::uint64_t> departures{0};
};

// Copying a parameter makes an independent one that shares storage until either is written; so a
// struct of parameters is a value: `best = model`, a vector of copies. (The copy constructor is
// explicit: nothing is copied by passing it along.) Moving keeps the identity. Reading it as a
// Tensor under a tape makes it part of that tape.
//
// Threads: many may read one parameter, also each under its own tape; writing needs exclusion.
class Parameter {
 public:
  // Holds nothing; reading it throws ValueError.
  Parameter() = default;
  explicit Parameter(Tensor value, std::string name = {});

  explicit Parameter(const Parameter& other);
  Parameter& operator=(const Parameter& other);
  Parameter(Parameter&& other) noexcept;
  Parameter& operator=(Parameter&& other) noexcept;
  ~Parameter() { let_go(); }

  // Another handle of the same parameter: one weight in two places, with one gradient, the sum.
  // (Copying a struct that holds both makes two independent parameters of them.)
  Parameter tie() const;
  bool is_tied_to(const Parameter& other) const { return state_ == other.state_; }

  // The value, followed by the tape of this thread if one records and the parameter is not frozen.
  operator Tensor() const;

  bool defined() const { return state_ != nullptr; }
  const Tensor& value() const { return state().value; }
  // To be changed outside of any tape's sight, as optimizers do.
  Tensor& value() { return state().value; }
  const Spec& spec() const { return value().spec(); }
  const Dims& shape() const { return value().shape(); }

  // A frozen parameter is a constant to every tape from now on; no optimizer need hold it.
  void freeze() { state().frozen = true; }
  void unfreeze() { state().frozen = false; }
  bool frozen() const { return state().frozen; }

  const std::string& name() const { return state().name; }
  void set_name(std::string name) { state().name = std::move(name); }
  std::uint64_t id() const { return state().id; }

  // For optimizers, which count themselves among the holders.
  ParameterState& state() const;

 private:
  void let_go() noexcept {
    if (state_) state_->departures.fetch_add(1, std::memory_order_relaxed);
  }

  std::shared_ptr<ParameterState> state_;
};

}  // namespace rw
