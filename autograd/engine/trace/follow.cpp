#include "rewind/autograd/engine/trace/follow.h"

#include "rewind/autograd/engine/step/facts.h"
#include "rewind/autograd/engine/trace/step_reader.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/mark.h"
#include "rewind/tensor/random.h"

namespace rw::engine {
namespace {

// Values are known by their marks. A tape that the step itself opens takes these over: such a step
// is lost, and traced anew at every call.
class Follower final : public StepReader {
 public:
  explicit Follower(const Trace& known)
      : StepReader(known.changing, Tape::current()),
        known_(known),
        serial_(new_serial()),
        first_draw_(Random::state()) {}

  Tensor handle(ValueId value) const {
    Tensor x = known_.graph.symbol(value);
    x.set_mark(mark_of(serial_, static_cast<std::uint64_t>(value)));
    return x;
  }

  void read(Call& call) override {
    const Graph::Node* const node = lost_ ? nullptr : expected(call);
    if (!node) {
      lost_ = true;
      return call.type.infer(call.op, call.inputs, call.outputs);
    }
    for (std::size_t i = 0; i < call.outputs.size(); i++) {
      call.outputs[i] = handle(node->first + static_cast<ValueId>(i));
    }
  }

  Following arrived(const std::vector<Tensor>& results) {
    if (lost_ || results.size() != known_.results.size()) return {};
    for (std::size_t i = 0; i < results.size(); i++) {
      if (value_of(results[i]) != known_.results[i]) return {};
    }
    const auto draws = static_cast<Index>(Random::state().draw() - first_draw_.draw());
    const bool all =
        next_ == known_.graph.nodes().size() && captured_.size() == known_.captured.size();
    if (!all || draws != known_.draws) return {};
    if (changing_ == known_.changing) return {true, std::move(captured_), {}};
    return {false, {}, std::move(changing_)};
  }

 private:
  // What comes after the step was lost will be traced again.
  bool knows(const Tensor& x) const override { return lost_ || serial_of(x.mark()) == serial_; }

  Tensor mention(const Tensor& x) override {
    const ValueId value = value_of(x);
    lost_ |= value < 0;
    return value < 0 ? x : handle(value);
  }

  // Goes on as the known step did where numbers differ, to see whether anything else does.
  const ChangingNumbers& met(const ChangingNumbers& known, const ChangingNumbers& now) override {
    changing_.push_back(now);
    return known;
  }

  // The next node, if it does this; or would, but for its numbers.
  const Graph::Node* expected(const Call& call) {
    inputs_.clear();
    for (const Tensor* x : call.inputs) inputs_.push_back(value_of(*x));
    const auto& nodes = known_.graph.nodes();
    const bool same = next_ < nodes.size() && is_done_by(nodes[next_], call);
    return same ? &nodes[next_++] : nullptr;
  }

  bool is_done_by(const Graph::Node& node, const Call& call) {
    if (&node.operation.type() != &call.type || node.inputs != inputs_) return false;
    if (!is_random(node.operation)) {
      return call.type.equal(node.operation.op(), call.op) || differs_in_numbers(node, call);
    }
    const Operation operation(call.type, call.op);
    const kernels::PhiloxStream draw = draw_of(operation);
    if (draw.seed != first_draw_.seed() || draw.draw < first_draw_.draw()) return false;
    return with_draw(operation, {0, draw.draw - first_draw_.draw()}) == node.operation;
  }

  bool differs_in_numbers(const Graph::Node& node, const Call& call) {
    const auto numbers = differing_numbers(operations() - 1, node.operation.op(), call);
    if (!numbers) return false;
    call.type.infer(call.op, call.inputs, call.outputs);  // whether they are elements of the dtype
    changing_.push_back(*numbers);
    return true;
  }

  // -1 for what has no place in the known trace.
  ValueId value_of(const Tensor& x) {
    if (serial_of(x.mark()) == serial_) return static_cast<ValueId>(slot_in(x.mark()));
    for (std::size_t i = 0; i < captured_.size(); i++) {
      if (same_tensor(captured_[i], x)) return known_.captured[i];
    }
    if (!x.has_data() || captured_.size() == known_.captured.size()) return -1;
    const ValueId leaf = known_.captured[captured_.size()];
    if (known_.graph.spec(leaf) != x.spec()) return -1;
    captured_.push_back(x);
    return leaf;
  }

  const Trace& known_;
  const std::uint64_t serial_;
  const Rng first_draw_;
  std::size_t next_ = 0;  // among the nodes
  bool lost_ = false;
  std::vector<Tensor> captured_;
  std::vector<ChangingNumbers> changing_;
  std::vector<ValueId> inputs_;
};

}  // namespace

Following follow(const Trace& known, const StepFunction& step) {
  const Rng before = Random::state();
  Follower follower(known);
  std::vector<Tensor> handles;
  for (const ValueId x : known.arguments) handles.push_back(follower.handle(x));
  Following following = follower.arrived(step(handles));
  if (!following.same) Random::set_state(before);
  return following;
}

}  // namespace rw::engine
