// Recording. A record is written after its operation has run, so an operation that throws leaves no
// trace on the tape. Results get their places before they are kept, since a rule may differentiate
// through what it reads. The rewind is in backward.cpp.
#include "rewind/autograd/tape.h"

#include <algorithm>
#include <bit>

#include "rewind/autograd/derivatives.h"
#include "rewind/autograd/record.h"
#include "rewind/autograd/scopes.h"

namespace rw {

constinit thread_local Tape* Tape::current_ = nullptr;

namespace {

constinit thread_local Training* training_scope = nullptr;

}  // namespace

Tape::Tape(TapeOptions options) : options_(options), outer_(current_) {
  require<GradientError>(!current_ || !current_->recording(),
                         "tape: another tape of this thread is recording; for derivatives of "
                         "gradients use backward(loss, {{.record = true}}), for a separate "
                         "computation pause it with Pause");
  library_derivatives();
  serial_ = new_serial();
  if (outer_) outer_->pauses_++;  // until this one ends, whatever becomes of the Pause
  current_ = this;
}

Tape::~Tape() {
  // Only the innermost tape lets the next one go on; what began inside another still holds it.
  if (current_ == this && outer_) outer_->pauses_--;
  end_scope(current_, this, &Tape::outer_);
  pauses_++;  // what is kept may run operations when it goes
  for (Record* r = last_; r; r = r->previous) {
    if (!r->let_go) r->let_kept_go();
    if (r->attributes_at) r->type->destroy(r->attributes());
  }
}

Tape* Tape::current() { return current_ && current_->recording() ? current_ : nullptr; }

std::uint32_t Tape::new_slots(std::size_t count) {
  require<GradientError>(
      slots_ + count < kMostSlots,
      "tape: more than {} values on one tape; rewind in windows, each with a tape "
      "of its own",
      kMostSlots - 1);
  const std::uint32_t first = slots_;
  slots_ += static_cast<std::uint32_t>(count);
  return first;
}

Tensor& Tape::watch(Tensor& x) {
  require<DtypeError>(is_float(x.dtype()), "watch: only float tensors have gradients, got {}",
                      x.spec());
  std::uint32_t slot = slot_of(x);
  const bool computed = slot != 0;
  require<GradientError>(computed || !any_holds(x.mark()),
                         "watch: this {} stands on another tape of this thread, which would lose "
                         "it; watch a copy of it",
                         x.spec());
  if (!computed) x.set_mark(mark_of(slot = new_slots(1)));
  leaves_.push_back({slot, computed, Variable(x)});
  return x;
}

Tensor Tape::watch(const Tensor& x) {
  Tensor watched = x;
  if (slot_of(x) == 0) watched.set_mark(0);
  return watch(watched);
}

Tensor Tape::follow(const Parameter& parameter) {
  Tensor value = parameter.value();
  // A value on this tape already (a model of functional parameters) leads to what it was made of.
  if (parameter.frozen() || slot_of(value) != 0) return value;
  auto found = leaf_of_parameter_.find(parameter.id());
  if (found == leaf_of_parameter_.end()) {
    leaves_.push_back({new_slots(1), false, Variable(parameter)});
    found = leaf_of_parameter_.emplace(parameter.id(), leaves_.size() - 1).first;
  }
  const Leaf& leaf = leaves_[found->second];
  if (leaf.variable.spec() != value.spec()) {
    throw ShapeError(
        fmt::format("tape: {} is {} now; a parameter keeps its shape while a tape follows it",
                    leaf.variable.description(), value.spec()));
  }
  value.set_mark(mark_of(leaf.slot));
  return value;
}

std::uint32_t Tape::slot_of(const Variable& variable) const {
  if (!variable.is_parameter()) return slot_of(variable.mark());
  if (const std::uint32_t slot = slot_of(variable.parameter().value())) return slot;
  const auto found = leaf_of_parameter_.find(variable.parameter().id());
  return found == leaf_of_parameter_.end() ? 0 : leaves_[found->second].slot;
}

void Tape::run(Call& call) {
  bool followed = false;
  if (recording()) {
    for (const Tensor* x : call.inputs) followed |= slot_of(*x) != 0;
  }
  if (!followed) return hand_down(call);
  record(call, rules_of(call.type));
}

void Tape::record(Call& call, const RuleSet& rules) {
  bool wanted = false;
  Needs needs = needs_of(call, rules, &wanted);
  if (!wanted) return hand_down(call);
  call.donated &= rules.keep ? 0 : ~std::uint64_t{needs.inputs};
  hand_down(call);
  const auto has_gradient = [](const Tensor& y) { return is_float(y.dtype()); };
  if (std::none_of(call.outputs.begin(), call.outputs.end(), has_gradient)) return;
  if (rules.broadcasts) {
    for (std::size_t i = 0; i < call.inputs.size(); i++) {
      if (!(call.inputs[i]->shape() == call.outputs[0].shape())) needs.shapes |= 1u << i;
    }
  }
  write(call, rules, needs);
}

Needs Tape::needs_of(const Call& call, const RuleSet& rules, bool* wanted) const {
  *wanted = rules.joint || rules.missing;
  if (rules.missing) return {.shapes = Needs::kAllShapes};
  if (rules.joint) return rules.joint_needs;
  Needs needs;
  for (std::size_t i = 0; i < call.inputs.size(); i++) {
    const RuleSet::Argument& rule = rules.arguments[i];
    if (rule.stops || slot_of(*call.inputs[i]) == 0) continue;
    *wanted = true;
    needs.add(rule.needs);
    if (rule.needs.own_shape) needs.shapes |= 1u << i;
  }
  return needs;
}

void Tape::write(const Call& call, const RuleSet& rules, const Needs& needs) {
  const std::size_t inputs = call.inputs.size();
  std::vector<const Tensor*> chosen;
  if (rules.keep) rules.keep(call.op, call.inputs, call.outputs, chosen);
  const std::size_t specs =
      needs.shapes == Needs::kAllShapes ? inputs : static_cast<std::size_t>(count_of(needs.shapes));
  const std::size_t kept =
      static_cast<std::size_t>(count_of(needs.inputs) + count_of(needs.outputs)) + chosen.size();
  const std::size_t kept_at = sizeof(Record) + inputs * sizeof(Edge);
  const std::size_t specs_at = kept_at + kept * sizeof(Tensor);
  const std::size_t attributes_at = specs_at + specs * sizeof(Spec);
  const bool attributes = (needs.attributes || rules.keep) && call.type.size > 0;
  const std::size_t bytes = attributes_at + (attributes ? call.type.size : 0);

  auto* record = new (arena_.allocate(bytes))
      Record{&call.type,
             &rules,
             last_,
             new_slots(call.outputs.size()),
             static_cast<std::uint32_t>(inputs),
             static_cast<std::uint32_t>(call.outputs.size()),
             static_cast<std::uint32_t>(kept_at),
             static_cast<std::uint32_t>(specs_at),
             attributes ? static_cast<std::uint32_t>(attributes_at) : 0,
             needs,
             static_cast<std::uint16_t>(kept)};
  // First of all, since it is the user's code and may throw: nothing is kept yet that would be
  // lost.
  if (attributes) call.type.copy(record->attributes(), call.op);
  for (std::size_t i = 0; i < inputs; i++) {
    const bool stops = !rules.joint && !rules.missing && rules.arguments[i].stops;
    const std::uint32_t slot = stops ? 0 : slot_of(*call.inputs[i]);
    new (record->edges() + i) Edge{slot, slot ? fingerprint(call.inputs[i]->spec()) : 0};
  }
  for (std::size_t i = 0; i < call.outputs.size(); i++) {
    if (!is_float(call.outputs[i].dtype())) continue;
    call.outputs[i].set_mark(mark_of(record->first_output + static_cast<std::uint32_t>(i)));
  }
  Tensor* keep = record->kept_tensors();
  for (unsigned set = needs.inputs; set; set &= set - 1) {
    new (keep++) Tensor(*call.inputs[static_cast<std::size_t>(std::countr_zero(set))]);
  }
  for (unsigned set = needs.outputs; set; set &= set - 1) {
    new (keep++) Tensor(call.outputs[static_cast<std::size_t>(std::countr_zero(set))]);
  }
  for (const Tensor* x : chosen) new (keep++) Tensor(*x);
  Spec* spec = record->specs();
  for (std::size_t i = 0; i < inputs; i++) {
    // Only an operation with few inputs names some of them; positions beyond belong to all or none.
    if (needs.shapes == Needs::kAllShapes || (i < 16 && (needs.shapes >> i & 1))) {
      new (spec++) Spec(call.inputs[i]->spec());
    }
  }
  last_ = record;
  size_++;
}

Pause::Pause() : serial_(Tape::current_ ? Tape::current_->serial_ : 0) {
  if (serial_) Tape::current_->pauses_++;
}

Pause::~Pause() {
  // The tape may have ended, or another may have been started since.
  for (Tape* tape = Tape::current_; tape; tape = tape->outer_) {
    if (tape->serial_ == serial_) tape->pauses_--;
  }
}

bool training() {
  if (training_scope) return training_scope->on_;
  const Tape* tape = Tape::current();
  return tape && tape->training();
}

Training::Training(bool on) : on_(on), outer_(std::exchange(training_scope, this)) {}
Training::~Training() { end_scope(training_scope, this, &Training::outer_); }

}  // namespace rw
