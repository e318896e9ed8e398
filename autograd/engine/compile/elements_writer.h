// Writes one element program of a loop: what gathered in it, over the places where values lie.
#pragma once

#include <map>
#include <vector>

#include "rewind/autograd/engine/compile/element_form.h"
#include "rewind/autograd/engine/compile/places.h"
#include "rewind/autograd/engine/compile/settled.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

class ElementsWriter {
 public:
  // For pieces of the same columns and dtype as `model`.
  ElementsWriter(const LoopBody& body, const Settled& settled, Places& places, const Piece& model);

  void write(const Piece& piece);
  ElementInstruction finished() &&;

 private:
  ElementWriter::Handle argument(ValueId x, ValueId y);
  ElementWriter::Handle operand(const Operand& o);

  const LoopBody& body_;
  const Settled& settled_;
  Places& places_;
  ElementInstruction instruction_;
  ElementWriter writer_;
  std::map<ValueId, ElementWriter::Handle> handles_;
};

}  // namespace engine
}  // namespace rw
