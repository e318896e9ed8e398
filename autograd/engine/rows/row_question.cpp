#include "rewind/autograd/engine/rows/row_question.h"

#include <algorithm>

#include "rewind/autograd/engine/rows/row_rules.h"
#include "rewind/autograd/engine/step/facts.h"
#include "rewind/autograd/engine/step/simplify.h"
#include "rewind/tensor/views.h"

namespace rw::engine {

bool RowQuestion::zeros(std::size_t i) const {
  const double* number = filled_with(graph_, node_.inputs[i]);
  return number && *number == 0;
}

bool RowQuestion::has_rows(std::size_t i, int axis) {
  Index most = 1;
  for (std::size_t k = 0; k < inputs(); k++) {
    if (this->axis(k) != Rows::kNone) most = std::max(most, each(k));
  }
  return RowAdoption(graph_, rows_, settled_).adopts(node_.inputs[i], axis, most);
}

bool RowQuestion::has_none(std::size_t i) {
  settled_[static_cast<std::size_t>(node_.inputs[i])] = true;
  return axis(i) == Rows::kNone;
}

bool RowAdoption::tries(ValueId x, int axis, Index each) {
  const auto at = static_cast<std::size_t>(x);
  if (rows_.axis[at] != Rows::kNone) return rows_.axis[at] == axis;
  const Dims& shape = graph_.spec(x).shape;
  if (settled_[at] || axis >= shape.rank() || shape[axis] != rows_.batch * each) return false;
  if (failed_.contains({x, axis, each})) return false;
  const Graph::Node* maker = graph_.maker(x);
  const bool fits =
      !maker || (maker->inputs.empty() ? fits_any_rows(*maker) : inputs_adopt(*maker, axis, each));
  if (!fits) {
    failed_.insert({x, axis, each});
    return false;
  }
  rows_.axis[at] = axis;
  rows_.each[at] = each;
  return settled_[at] = true;
}

// Numbers made from nothing that do not depend on which rows there are; unlike those that count
// them.
bool RowAdoption::fits_any_rows(const Graph::Node& node) const {
  return filled_with(graph_, node.first) || is_random(node.operation);
}

// What is made of invariants alone, or of random numbers, has rows where an input of it can be
// taken to have rows such that its operation puts them there. Which one is found by trial.
bool RowAdoption::inputs_adopt(const Graph::Node& maker, int axis, Index each) {
  for (const ValueId x : maker.inputs) {
    for (int own = 0; own < graph_.spec(x).rank(); own++) {
      const Rows rows = rows_;
      const std::vector<bool> settled = settled_;
      if (tries(x, own, graph_.spec(x).shape[own] / rows_.batch)) {
        rows_.chosen[static_cast<std::size_t>(maker.first)] = axis;
        const RowAnswer answer = rows_after(graph_, maker, rows_, settled_);
        const bool apart = answer.effect == RowEffect::apart;
        if (apart && answer.axis == axis && answer.each == each) return true;
      }
      rows_ = rows;
      settled_ = settled;
    }
  }
  return repeats(maker, axis);
}

// Whether it gives the same to all rows along an axis: what it repeats has none.
bool RowAdoption::repeats(const Graph::Node& maker, int axis) {
  if (!maker.operation.is<Expand>()) return false;
  const ValueId x = maker.inputs[0];
  const int own = axis - (graph_.spec(maker.first).rank() - graph_.spec(x).rank());
  if (rows_.axis_of(x) != Rows::kNone || (own >= 0 && graph_.spec(x).dim(own) != 1)) return false;
  return settled_[at(x)] = true;
}

}  // namespace rw::engine
