#include "rewind/autograd/engine/explain/explain.h"

#include <algorithm>
#include <limits>

#include "rewind/autograd/engine/explain/loop_text.h"
#include "rewind/autograd/engine/run/lookups.h"
#include "rewind/autograd/engine/run/loop_split.h"
#include "rewind/autograd/engine/step/facts.h"

namespace rw::engine {
namespace {

std::string traced(const Traced& step, const std::vector<std::string>& captured) {
  const Graph& graph = step.trace.graph;
  const std::vector<std::string> names = names_of(step, captured);
  std::string text;
  for (const Graph::Node& node : graph.nodes()) text += "  " + said(graph, node, names) + "\n";
  return text;
}

class Text {
 public:
  Text(const Recurrence& recurrence, const Names& names)
      : recurrence_(recurrence),
        program_(recurrence.program()),
        step_(recurrence.step()),
        names_(names) {}

  std::string all() && {
    given();
    prelude();
    nodes("before the loop, for many steps at once",
          [](Fate fate) { return fate == Fate::before; });
    text_ += text_of_loop(program_, names_);
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
    return name(value) + " " + to_string(graph().spec(value).shape);
  }
  void line(const std::string& text) { text_ += "  " + text + "\n"; }

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
      line("  " + said(prelude.graph, node, names_.prelude));
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
      line("  " + said(graph(), node, names_.values) +
           (steps == 0 ? "" : fmt::format(", by the table if there are {} steps or more", steps)));
    }
    if (!any) line(fmt::format("{}: nothing", title));
  }

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
      line(fmt::format("rows: {} for each of {} workers, who do not wait for each other{}",
                       split.most_rows, split.workers, from(split)));
    } else {
      line(fmt::format("columns: shared by {} workers, who wait for each other {}{}", split.workers,
                       waits(), from(split)));
    }
    if (!program_.mixing.empty()) {
      line(fmt::format("rows are mixed by {}: no lengths", program_.mixing));
    }
  }

  // With fewer steps one worker is faster.
  static std::string from(const LoopSplit& split) {
    return split.steps > 1 ? fmt::format(", from {} steps on", split.steps) : "";
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
