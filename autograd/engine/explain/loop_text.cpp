#include "rewind/autograd/engine/explain/loop_text.h"

#include <algorithm>

#include "rewind/autograd/engine/compile/element_form.h"
#include "rewind/autograd/engine/step/facts.h"
#include "rewind/tensor/matmul.h"

namespace rw::engine {
namespace {

class LoopText {
 public:
  LoopText(const Program& program, const Names& names)
      : program_(program),
        step_(program.step),
        names_(names),
        users_(users_of(step_.graph, live_values(step_.graph, step_.results()))) {}

  std::string all() && {
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
    return std::move(text_);
  }

 private:
  const Graph& graph() const { return step_.graph; }
  const std::string& name(ValueId value) const { return names_[value]; }
  void line(const std::string& text) { text_ += "  " + text + "\n"; }
  std::string made(const Graph::Node& node) const { return said(graph(), node, names_.values); }

  // What is no instruction: parts of what stands there, values side by side in memory, to which
  // their parts may be copied, and what is the same at every step.
  void parts() {
    for (std::size_t n = 0; n < graph().nodes().size(); n++) {
      const Graph::Node& node = graph().nodes()[n];
      if (!runs_in_loop(program_.fates.node[n]) || runs_an_instruction(static_cast<int>(n)))
        continue;
      const bool same = program_.depends[at(node.first)] == Dependence::nothing;
      const char* const kind = same ? "constant" : is_copied(node.first) ? "joined" : "no work";
      line(fmt::format("  {:10} {}", kind, made(node)));
    }
  }
  bool is_copied(ValueId whole) const {
    return std::any_of(program_.loop.begin(), program_.loop.end(), [&](const Instruction& any) {
      const auto* elements = std::get_if<ElementInstruction>(&any);
      return elements && std::any_of(elements->copies.begin(), elements->copies.end(),
                                     [&](const auto& copy) { return copy.whole == whole; });
    });
  }
  bool runs_an_instruction(int n) const {
    const ValueId y = graph().nodes()[at(n)].first;
    return std::any_of(program_.loop.begin(), program_.loop.end(), [&](const Instruction& any) {
      if (const auto* product = std::get_if<ProductInstruction>(&any)) {
        return product->value == y || (product->add && sum_with(product->value) == y);
      }
      if (const auto* elements = std::get_if<ElementInstruction>(&any)) {
        return contains(elements->values, y);
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
    for (const ElementInstruction::Copy& c : i.copies) {
      line(fmt::format("               {} copied into {}", name(c.part), name(c.whole)));
    }
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
      const bool left_changes = program_.depends[at(node.inputs[0])] != Dependence::nothing;
      const bool right_changes = program_.depends[at(node.inputs[1])] != Dependence::nothing;
      if (left_changes && right_changes) return "both operands change";
      return right_changes ? "what is the same stands on the left" : "not rows times a matrix";
    }
    if (is_random(node.operation)) return "it draws at every step";
    if (is_view(node.operation)) return "its numbers do not lie together";
    if (has_element_form(node.operation))
      return "element programs cannot step through its operands";
    if (is_elementwise(node.operation)) return "element programs do not know it";
    return "only its own kernel knows it";
  }

  const Program& program_;
  const Step& step_;
  const Names& names_;
  const std::vector<std::vector<int>> users_;
  std::string text_;
};

}  // namespace

std::string text_of_loop(const Program& program, const Names& names) {
  return LoopText(program, names).all();
}

}  // namespace rw::engine
