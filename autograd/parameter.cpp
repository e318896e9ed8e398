#include "rewind/autograd/parameter.h"

#include "rewind/autograd/parameter_watch.h"
#include "rewind/autograd/tape.h"

namespace rw {
namespace {

std::shared_ptr<ParameterState> make_state(Tensor value, std::string name) {
  static std::atomic<std::uint64_t> next_id{1};
  auto state = std::make_shared<ParameterState>();
  state->value = std::move(value);
  state->name = std::move(name);
  state->id = next_id.fetch_add(1, std::memory_order_relaxed);
  return state;
}

}  // namespace

Parameter::Parameter(Tensor value, std::string name) {
  require<DtypeError>(is_float(value.dtype()),
                      "parameter: takes float32 or float64, got {}; keep other tensors as buffers",
                      value.spec());
  state_ = make_state(std::move(value), std::move(name));
}

Parameter::Parameter(const Parameter& other) {
  if (!other.state_) return;
  state_ = make_state(other.state_->value, other.state_->name);
  state_->frozen = other.state_->frozen;
}

Parameter& Parameter::operator=(const Parameter& other) {
  if (this != &other) *this = Parameter(other);
  return *this;
}

// The handle that is moved from may be given another parameter.
Parameter::Parameter(Parameter&& other) noexcept {
  other.let_go();
  state_ = std::move(other.state_);
}

Parameter& Parameter::operator=(Parameter&& other) noexcept {
  if (this == &other) return *this;
  let_go();
  other.let_go();
  state_ = std::move(other.state_);
  return *this;
}

Parameter Parameter::tie() const {
  Parameter same;
  same.state_ = state_;
  return same;
}

Parameter::operator Tensor() const {
  Tape* tape = Tape::current();
  return tape ? tape->follow(*this) : value();
}

ParameterState& Parameter::state() const {
  require(state_ != nullptr,
          "parameter: this one holds nothing (default-constructed or moved from)");
  ParameterWatch::saw(state_);
  return *state_;
}

}  // namespace rw
