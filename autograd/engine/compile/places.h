// Where the values of a loop lie in memory.
//
// Results that others read get a place: memory of one step, or of many steps where they are read
// after the loop, too. An element-wise result goes over an operand that nobody reads afterwards,
// where that lies in memory of many steps: so the gates of an LSTM lie where their pre-activations
// lay.
#pragma once

#include "rewind/autograd/engine/compile/schedule.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

class Places {
 public:
  Places(const LoopBody& body, const Forms& forms, const InPlace& in_place,
         const Schedule& schedule, const ProgramOptions& options);

  // Of a value that is read somewhere. What does not belong to the loop gets its buffer here.
  Place of(ValueId value);
  // Without one, a value lives in one program alone.
  bool has(ValueId value) const { return places_[at(value)].has_value(); }
  Place new_buffer(Buffer::Kind kind, ValueId value);
  Place new_stack_of_rows(ValueId value);  // whatever axis they lie along

  const Buffer& buffer(Place place) const { return buffers_[at(place.buffer)]; }
  std::vector<Buffer> take_buffers() && { return std::move(buffers_); }
  const std::vector<std::optional<Place>>& all() const { return places_; }

 private:
  Place of_source(ValueId value);
  Buffer::Kind memory_for(ValueId value) const;
  bool is_stacked_state(ValueId next) const;
  void place_node(int n);
  void place_product(ValueId y);
  void place_element(int n);
  Place inside(const InPlace::Inside& part);
  bool needs_memory(int n) const;
  std::optional<Place> over_an_operand(int n);
  ValueId viewed(ValueId x) const;
  bool may_be_overwritten(ValueId whole, ValueId part) const;

  const LoopBody& body_;
  const Forms& forms_;
  const InPlace& in_place_;
  const Schedule& schedule_;
  const ProgramOptions& options_;
  std::vector<Buffer> buffers_;
  std::vector<std::optional<Place>> places_;  // by value
};

}  // namespace engine
}  // namespace rw
