#include "rewind/autograd/engine/compile/overlays.h"

namespace rw::engine {

Overlays::Overlays(const LoopBody& body, const Forms& forms, const InPlace& in_place,
                   const Schedule& schedule, const std::vector<InputPlace>& places)
    : body_(body), forms_(forms), in_place_(in_place), schedule_(schedule), places_(places) {
  if (places.empty()) return;
  for (int n = 0; n < body.count(); n++) {
    if (forms.of(n) == Form::join) plan(n);
  }
}

const std::vector<int>* Overlays::under(ValueId join) const {
  const auto found = under_.find(join);
  return found == under_.end() ? nullptr : &found->second;
}

void Overlays::plan(int n) {
  const Graph::Node& join = body_.node(n);
  const ValueId y = join.first;
  if (!body_.stacked(y) && !in_place_.needs_stack(y)) return;
  std::vector<int> inputs = inputs_under(join);
  if (inputs.empty()) return;
  taken_.insert(inputs.begin(), inputs.end());
  parts_.insert(join.inputs.begin(), join.inputs.end());
  under_[y] = std::move(inputs);
}

// One for each part, or none.
std::vector<int> Overlays::inputs_under(const Graph::Node& join) const {
  std::vector<int> inputs;
  int rows = -1;
  for (const ValueId part : join.inputs) {
    const InPlace::Inside* inside = in_place_.inside(part);
    if (!inside || inside->whole != join.first || forms_.of_value(part) != Form::element) return {};
    const int input = input_under(part, *inside, rows);
    if (input < 0) return {};
    rows = places_[at(input)].rows;
    inputs.push_back(input);
  }
  return inputs;
}

int Overlays::input_under(ValueId part, const InPlace::Inside& inside, int rows) const {
  const auto& inputs = body_.step().inputs;
  for (std::size_t i = 0; i < inputs.size(); i++) {
    const InputPlace& place = places_[i];
    const bool there = place.rows >= 0 && (rows < 0 || place.rows == rows) &&
                       place.column == inside.column && place.width == body_.columns(inside.whole);
    if (!there || body_.spec(inputs[i]) != body_.spec(part)) continue;
    if (!taken_.contains(static_cast<int>(i)) && is_spent(inputs[i], part)) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

// Whether nobody reads an input after the program that makes `part`.
bool Overlays::is_spent(ValueId input, ValueId part) const {
  const Step& step = body_.step();
  if (contains(step.next, input) || contains(step.outputs, input) || contains(step.sums, input)) {
    return false;
  }
  const int program = schedule_.program_of(body_.node_of(part));
  for (int n = 0; n < body_.count(); n++) {
    if (!contains(body_.node(n).inputs, input)) continue;
    const Fate fate = body_.fates().node[at(n)];
    if (fate == Fate::dead) continue;
    const bool in_time =
        fate == Fate::loop && forms_.of(n) == Form::element && schedule_.program_of(n) <= program;
    if (!in_time) return false;
  }
  return true;
}

}  // namespace rw::engine
