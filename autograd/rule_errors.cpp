#include "rewind/autograd/rule_errors.h"

#include "rewind/tensor/error.h"

namespace rw {

void throw_missing_rule(Record& r) {
  std::size_t position = 0;
  for (Record* before = r.previous; before; before = before->previous) position++;
  std::string inputs;
  for (std::uint32_t i = 0; i < r.inputs; i++) {
    inputs += (i ? ", " : "") + to_string(r.specs()[i]);
  }
  throw GradientError(fmt::format(
      "backward: {} has no derivative; it was operation {} on this tape, on {}; give it one (see "
      "rules.h), or pause the tape around it",
      r.type->name, position, inputs));
}

void check_gradient(Record& r, std::size_t i, const Tensor& dx) {
  require<ShapeError>(fingerprint(dx.spec()) == r.edges()[i].fingerprint,
                      "backward: the rule of {} for input {} gave a gradient {}, which is not the "
                      "spec of that input",
                      r.type->name, i, dx.spec());
}

void check_rows(Record& r, std::size_t i, const Spec& spec, const Gradient::Term& term) {
  Dims shape = term.rows.shape();
  for (Index size : spec.shape.without(0)) shape.push_back(size);
  require<ShapeError>(term.rows.dtype() == int64 && term.values.spec() == spec.with_shape(shape),
                      "backward: the rule of {} for input {} gave rows {} and values {}, which "
                      "are no rows of that input, {}",
                      r.type->name, i, term.rows.spec(), term.values.spec(), spec);
}

}  // namespace rw
