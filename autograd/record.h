// One operation on the tape, of variable length: the fixed part below, then the edges of the
// inputs, the kept tensors, the kept specs and the attributes. Private to the tape.
#pragma once

#include "rewind/autograd/frame.h"

namespace rw {

struct Record {
  const OpType* type;
  const RuleSet* rules;
  Record* previous;
  std::uint32_t first_output;  // slot of the first result; the others follow
  std::uint32_t inputs;
  std::uint32_t outputs;
  std::uint32_t kept_at, specs_at, attributes_at;  // in bytes from the start; attributes 0: none
  Needs needs;
  std::uint16_t kept;
  bool let_go = false;  // the kept tensors are gone

  std::byte* bytes() { return reinterpret_cast<std::byte*>(this); }
  Edge* edges() { return reinterpret_cast<Edge*>(this + 1); }
  Tensor* kept_tensors() { return reinterpret_cast<Tensor*>(bytes() + kept_at); }
  Spec* specs() { return reinterpret_cast<Spec*>(bytes() + specs_at); }
  void* attributes() { return attributes_at ? bytes() + attributes_at : nullptr; }

  void let_kept_go() {
    for (std::uint16_t i = 0; i < kept; i++) std::destroy_at(kept_tensors() + i);
    let_go = true;
  }
};

// Tells most specs apart in 32 bits.
inline std::uint32_t fingerprint(const Spec& spec) {
  std::uint64_t h =
      static_cast<std::uint64_t>(spec.rank()) * 4 + static_cast<std::uint64_t>(spec.dtype);
  for (Index size : spec.shape) h = h * 0x9E3779B97F4A7C15u + static_cast<std::uint64_t>(size);
  return static_cast<std::uint32_t>(h ^ h >> 32);
}

}  // namespace rw
