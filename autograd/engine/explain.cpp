#include "rewind/autograd/engine/explain.h"

#include <algorithm>
#include <limits>

#include "rewind/autograd/engine/compile/element_form.h"
#include "rewind/autograd/engine/run/lookups.h"
#include "rewind/autograd/engine/run/loop_split.h"
#include "rewind/autograd/engine/step/facts.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/parallel.h"

namespace rw::engine {
namespace {

std::string shape(const Spec& spec) {
  const std::string text = to_string(spec);
  return text.substr(text.find('['));
}

std::string made(const Graph& graph, const Graph::Node& node,
                 const std::vector<std::string>& names) {
  std::string inputs, results;
  for (const ValueId x : node.inputs) inputs += (inputs.empty() ? "" : ", ") + names[at(x)];
  for (int i = 0; i < node.results; i++) {
    results += (results.empty() ? "" : ", ") + names[at(node.first + i)];
  }
  return fmt::format("{} = {}({}) {}", results, node.operation.text(), inputs,
                     shape(graph.spec(node.first)));
}

std::string traced(const Traced& step, const std::vector<std::string>& captured) {
  const Graph& graph = step.trace.graph;
  const std::vector<std::string> names = names_of(step, captured);
  std::string text;
  for (const Graph::Node& node : graph.nodes()) text += "  " + made(graph, node, names) + "\n";
  return text;
}

class Text {
 public:
  Text(const Recurrence& recurrence, const Names& names)
      : recurrence_(recurrence),
        program_(recurrence.program()),
        step_(recurrence.step()),
        names_(names),
        depends_(dependences(step_)),
        users_(users_of(step_.graph, live_values(step_.graph, step_.results()))) {}

  std::string all() && {
    given();
    prelude();
    nodes("before the loop, for many steps at once",
          [](Fate fate) { return fate == Fate::before; });
    loop();
    nodes("after the loop, for many steps at once", runs_after);
    results();
    aliased();
    time();
    workers();
    return std::move(text_);
  }

 private:
  const Graph& graph() const { return step_.graph; }
  const std::string& name(ValueId value) const { return names_[value]; }
  std::string with_shape(ValueId value) const {
    return name(value) + " " + shape(graph().spec(value));
  }
  void line(const std::string& text) { text_ += "  " + text + "\n"; }

  std::string made(const Graph::Node& node) const {
    return engine::made(graph(), node, names_.values);
  }

  std::string list(const std::vector<ValueId>& values) const {
    std::string text;
    for (const ValueId value : values) text += (text.empty() ? "" : ", ") + with_shape(value);
    return text.empty() ? "nothing" : text;
  }

  void given() {
    line("at every step    " + list(step_.inputs));
    line("carried          " + list(step_.states));
    line("always the same  " + list(step_.invariants));
  }

  void prelude() {
    const Prelude& prelude = recurrence_.prelude();
    if (prelude.graph.nodes().empty()) return;
    line("on the tape before the loop, once");
    for (const Graph::Node& node : prelude.graph.nodes()) {
      line("  " + engine::made(prelude.graph, node, names_.prelude));
    }
  }

  template <class F>
  void nodes(const char* title, F holds) {
    bool any = false;
    for (std::size_t n = 0; n < graph().nodes().size(); n++) {
      if (!holds(program_.fates.node[n])) continue;
      if (!std::exchange(any, true)) line(title);
      const Graph::Node& node = graph().nodes()[n];
      const Index steps = steps_by_table(program_, node);
      line("  " + made(node) +
           (steps == 0 ? "" : fmt::format(", by the table if there are {} steps or more", steps)));
    }
    if (!any) line(fmt::format("{}: nothing", title));
  }

  // ---- at every step

  void loop() {
    line("at every step");
    parts();
    for (const Instruction& instruction : program_.loop) {
      std::visit([&](const auto& i) { instruction_of(i); }, instruction);
    }
    for (std::size_t k = 0; k < step_.states.size(); k++) {
      static constexpr const char* how[] = {"copied", "read where it is remembered",
                                            "in memory that changes places with the state's"};
      line(fmt::format("  next       {} = {}, {}", name(step_.states[k]), name(step_.next[k]),
                       how[static_cast<int>(program_.states[k].kind)]));
    }
    for (const int s : program_.fates.accumulated) {
      line(fmt::format("  added up   {} of {}", names_.sums[at(s)], name(step_.sums[at(s)])));
    }
  }

  // What takes no work: parts of what stands there, and what is the same at every step.
  void parts() {
    for (std::size_t n = 0; n < graph().nodes().size(); n++) {
      const Graph::Node& node = graph().nodes()[n];
      if (!runs_in_loop(program_.fates.node[n]) || runs_an_instruction(static_cast<int>(n)))
        continue;
      const bool same = depends_[at(node.first)] == Dependence::nothing;
      line(fmt::format("  {} {}", same ? "constant  " : "no work   ", made(node)));
    }
  }
  bool runs_an_instruction(int n) const {
    const ValueId y = graph().nodes()[at(n)].first;
    return std::any_of(program_.loop.begin(), program_.loop.end(), [&](const Instruction& any) {
      if (const auto* product = std::get_if<ProductInstruction>(&any)) {
        return product->value == y || (product->add && sum_with(product->value) == y);
      }
      if (const auto* elements = std::get_if<ElementInstruction>(&any)) {
        return std::find(elements->values.begin(), elements->values.end(), y) !=
               elements->values.end();
      }
      const auto* ordinary = std::get_if<OrdinaryInstruction>(&any);
      return ordinary && ordinary->node == n;
    });
  }
  ValueId sum_with(ValueId product) const {
    return users_[at(product)].empty() ? -1 : graph().nodes()[at(users_[at(product)][0])].first;
  }

  void instruction_of(const ProductInstruction& i) {
    const Graph::Node& node = *graph().maker(i.value);
    line(fmt::format("  product    {}, {} packed{}", made(node), name(node.inputs[1]),
                     i.add ? onto(i.value) : ""));
  }
  std::string onto(ValueId product) const {
    const Graph::Node& sum = *graph().maker(sum_with(product));
    const ValueId term = sum.inputs[sum.inputs[0] == product ? 1 : 0];
    return fmt::format(", added onto {}: {}", name(term), name(sum.first));
  }

  void instruction_of(const ElementInstruction& i) {
    const auto count = [](std::size_t n, const char* what) {
      return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
    };
    const bool fused = i.values.size() > 1;
    line(fmt::format("  elements   {}{} over {} columns in one pass",
                     fused ? count(i.values.size(), "operation") + ", fused into " : "",
                     count(i.program.instructions.size(), "instruction"), i.columns));
    for (const ValueId v : i.values) line("               " + made(*graph().maker(v)));
  }

  void instruction_of(const OrdinaryInstruction& i) {
    const Graph::Node& node = graph().nodes()[at(i.node)];
    const bool mixed = program_.rows.effect[at(i.node)] == RowEffect::mixed;
    line(fmt::format("  ordinary   {}: {}", made(node),
                     mixed ? "for all that is known it mixes rows" : reason(node, i.packed >= 0)));
  }

  void instruction_of(const CopyInstruction& i) {
    const Buffer& to = program_.buffers[at(i.to.buffer)];
    line(fmt::format("  copy       {}, {}", name(to.value),
                     to.kind == Buffer::stack ? "to remember it" : "until all states are read"));
  }
  void instruction_of(const ArrangeInstruction& i) {
    line(fmt::format("  copy       {}, rows first, to remember it", name(i.value)));
  }

  // Why it runs by its own kernel.
  std::string reason(const Graph::Node& node, bool packed) const {
    if (packed) return name(node.inputs[1]) + " packed, for several rows of each row of the batch";
    if (node.operation.is<MatMul>()) {
      const ValueId right = node.inputs[1];
      if (depends_[at(right)] != Dependence::nothing) return "both operands change";
      return "not rows times a matrix";
    }
    if (is_random(node.operation)) return "it draws at every step";
    if (is_view(node.operation)) return "its numbers do not lie together";
    if (has_element_form(node.operation))
      return "element programs cannot step through its operands";
    if (is_elementwise(node.operation)) return "element programs do not know it";
    return "only its own kernel knows it";
  }

  // ---- what is remembered, and where

  void results() {
    const std::size_t own = recurrence_.own_outputs();
    for (std::size_t i = 0; i < std::min(own, names_.outputs.size()); i++) {
      line(fmt::format("gives {} = {}", names_.outputs[i], name(step_.outputs[i])));
    }
    for (std::size_t i = 0; i < step_.sums.size(); i++) {
      line(fmt::format("gives {} = the sum of {}", names_.sums[i], name(step_.sums[i])));
    }
    if (recurrence_.wanted().outputs.empty()) return;
    Index floats = 0;
    std::string kept;
    for (std::size_t i = own; i < step_.outputs.size(); i++) {
      const ValueId y = step_.outputs[i];
      const bool costs = !is_remembered_by_an_output(y);
      floats += costs ? columns(y) : 0;
      kept += fmt::format("{}{}{}", kept.empty() ? ": " : ", ", name(y),
                          costs ? "" : " (among the outputs)");
    }
    line(fmt::format("kept for the way back, {} numbers a row and step{}", floats, kept));
  }
  Index columns(ValueId value) const {
    return graph().spec(value).shape.count() / std::max<Index>(program_.rows.batch, 1);
  }
  // What steps begin with is remembered with what they end with.
  bool is_remembered_by_an_output(ValueId value) const {
    const auto state = std::find(step_.states.begin(), step_.states.end(), value);
    if (state == step_.states.end()) return false;
    const ValueId next = step_.next[static_cast<std::size_t>(state - step_.states.begin())];
    const auto own = step_.outputs.begin() + static_cast<std::ptrdiff_t>(recurrence_.own_outputs());
    return std::find(step_.outputs.begin(), own, next) != own;
  }

  void aliased() {
    std::string text;
    for (std::size_t n = 0; n < graph().nodes().size(); n++) {
      const Graph::Node& node = graph().nodes()[n];
      const auto& place = program_.place(node.first);
      if (!place || program_.fates.node[n] == Fate::before || is_view(node.operation)) continue;
      const Buffer& buffer = program_.buffers[at(place->buffer)];
      if (buffer.kind != Buffer::before) continue;
      text += fmt::format("{}{} over {}", text.empty() ? "" : ", ", name(node.first),
                          name(buffer.value));
    }
    line("in the place of what was there: " + (text.empty() ? "nothing" : text));
  }

  void time() {
    const Index steps = program_.steps_at_a_time;
    const bool all = steps > std::numeric_limits<Index>::max() / 2;
    line(all ? "time: all steps, one after the other"
             : fmt::format("time: {} step{} or so at a time, with what runs before the loop and "
                           "after it",
                           steps, steps == 1 ? "" : "s"));
  }

  void workers() {
    const Index batch = program_.rows.batch;
    const LoopSplit split = loop_split(program_);
    if (split.workers == 1) {
      line(fmt::format("rows: all {} by one worker, since {}", batch, split.why));
    } else if (split.by == LoopSplit::rows) {
      line(
          fmt::format("rows: {} for each of {} workers, through these steps without waiting, if "
                      "they are {} or more",
                      split.most_rows, split.workers, split.steps));
    } else {
      line(
          fmt::format("columns: shared by {} workers, who wait for each other {}, if these steps "
                      "are {} or more",
                      split.workers, waits(), split.steps));
    }
    if (!program_.mixing.empty()) {
      line(fmt::format("rows are mixed by {}: no lengths", program_.mixing));
    }
  }

  std::string waits() const {
    const int count = waits_of_a_step(program_);
    return count == 0   ? "nowhere"
           : count == 1 ? "once a step"
                        : fmt::format("{} times a step", count);
  }

  const Recurrence& recurrence_;
  const Program& program_;
  const Step& step_;
  const Names& names_;
  const std::vector<Dependence> depends_;
  const std::vector<std::vector<int>> users_;
  std::string text_;
};

}  // namespace

std::string explained(const KnownStep& step, Index batch,
                      const std::vector<std::string>& captured) {
  const Followed all{std::vector<bool>(step->trace.captured.size(), true),
                     std::vector<bool>(step->inputs, true), true};
  const auto forward = plan_of(step, batch, all);
  const Names names = names_of(*forward, captured);
  Wanted wanted = forward->wanted();
  wanted.outputs.resize(forward->step().outputs.size(), false);  // none at those that are kept
  const auto backward = forward->backward(wanted, false);
  const Names back = names_of(*backward->recurrence, backward->wiring, *forward, names);
  return fmt::format(
      "the step, as it was traced\n{}forward, {} rows of {}\n{}backward, in the other "
      "direction\n{}",
      traced(*step, captured), batch, forward->step().graph.spec(forward->step().states[0]).dtype,
      Text(*forward, names).all(), Text(*backward->recurrence, back).all());
}

}  // namespace rw::engine
