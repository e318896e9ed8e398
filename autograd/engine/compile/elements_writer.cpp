#include "rewind/autograd/engine/compile/elements_writer.h"

#include <algorithm>

#include "rewind/autograd/engine/step/simplify.h"

namespace rw::engine {

ElementsWriter::ElementsWriter(const LoopBody& body, const Settled& settled, Places& places,
                               const Piece& model)
    : body_(body),
      settled_(settled),
      places_(places),
      instruction_{{}, {}, model.columns, model.dtype, {}} {}

void ElementsWriter::write(const Piece& piece) {
  if (piece.copy >= 0) {
    const JoinCopy& copy = settled_.in_place().copies()[at(piece.copy)];
    const Place whole = places_.of(copy.whole);
    const auto to = operand({{whole.buffer, whole.column + copy.column}});
    writer_.instruction(kernels::ElementCode::copy, to, argument(copy.part, copy.part));
    instruction_.copies.push_back({copy.part, copy.whole});
    return;
  }
  const Graph::Node& node = body_.node(piece.node);
  std::vector<ElementWriter::Handle> arguments;
  for (const ValueId x : node.inputs) arguments.push_back(argument(x, node.first));
  const bool stays = !places_.has(node.first);
  const auto result = stays ? writer_.temporary() : operand({places_.of(node.first)});
  writer_.append(node.operation, result, arguments);
  handles_[node.first] = result;
  instruction_.values.push_back(node.first);
}

ElementInstruction ElementsWriter::finished() && {
  instruction_.program = std::move(writer_).finished();
  return std::move(instruction_);
}

ElementWriter::Handle ElementsWriter::argument(ValueId x, ValueId y) {
  if (const auto known = handles_.find(x); known != handles_.end()) return known->second;
  if (const double* number = filled_with(body_.graph(), x)) return writer_.constant(*number);
  const Forms::Steps steps = *settled_.forms().steps(x, y, instruction_.dtype);
  const Place place = places_.of(x);
  return operand({place, steps.by_row && places_.buffer(place).rows, steps.by_column});
}

ElementWriter::Handle ElementsWriter::operand(const Operand& o) {
  auto& known = instruction_.operands;
  const auto found = std::find(known.begin(), known.end(), o);
  if (found != known.end()) return ElementWriter::Handle{static_cast<int>(found - known.begin())};
  known.push_back(o);
  return writer_.operand();
}

}  // namespace rw::engine
