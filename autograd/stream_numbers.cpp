#include "rewind/autograd/stream_numbers.h"

#include <fmt/format.h>

#include <algorithm>

#include "rewind/autograd/loop.h"

namespace rw::stream_internal {
namespace {

// Its number, where there are several.
std::string name(std::string_view what, std::size_t i, std::size_t count) {
  return count == 1 ? std::string(what) : fmt::format("{} {}", what, i);
}

template <class Given>
void require_each(std::string_view what, Index steps, std::span<const Spec> specs,
                  std::span<const Given> given) {
  require<ShapeError>(given.size() == specs.size(),
                      "stream: {} {} {}, and a step has {}: {}; give one for each tensor, in the "
                      "order of the fields",
                      given.size(), given.size() == 1 ? "span of numbers" : "spans of numbers",
                      what, specs.size(), fmt::join(specs, ", "));
  for (std::size_t i = 0; i < specs.size(); i++) {
    const Spec& spec = specs[i];
    require<DtypeError>(given[i].dtype == spec.dtype, "stream: {} holds {}, a step's is {}",
                        name(what, i, specs.size()), given[i].dtype, spec);
    const Index wanted = steps * spec.shape.count();
    require<ShapeError>(static_cast<Index>(given[i].count) == wanted,
                        "stream: {} holds {} numbers, {} of {} {} {}", name(what, i, specs.size()),
                        given[i].count, steps == 1 ? "a step" : fmt::format("{} steps", steps),
                        spec, steps == 1 ? "has" : "have", wanted);
  }
}

template <class Given>
Index steps_of_any(std::span<const Spec> specs, std::span<const Given> given) {
  for (std::size_t i = 0; i < std::min(specs.size(), given.size()); i++) {
    const Index each = specs[i].shape.count();
    if (each > 0) return static_cast<Index>(given[i].count) / each;
  }
  return 0;
}

}  // namespace

Index steps_of(std::span<const Spec> inputs, std::span<const StreamIn> in,
               std::span<const Spec> outputs, std::span<const StreamOut> out) {
  const Index steps = steps_of_any(inputs, in);
  return steps > 0 ? steps : steps_of_any(outputs, out);
}

void require_numbers(Index steps, std::span<const Spec> inputs, std::span<const StreamIn> in) {
  require_each("in", steps, inputs, in);
}
void require_numbers(Index steps, std::span<const Spec> outputs, std::span<const StreamOut> out) {
  require_each("out", steps, outputs, out);
}

std::vector<Spec> specs_of_example(const std::vector<Tensor>& example) {
  require<ShapeError>(!example.empty(),
                      "stream: the example holds no tensor; of a step without inputs, "
                      "stream(step, state)");
  scan_internal::require_defined("stream", "the example", example);
  std::vector<Spec> specs;
  for (const Tensor& x : example) {
    require<ShapeError>(x.rank() >= 1,
                        "stream: a step's input is [batch, ...], and the example is {}", x.spec());
    require<ShapeError>(x.dim(0) == example[0].dim(0),
                        "stream: inputs {} and {} of the example differ in batch",
                        example[0].spec(), x.spec());
    specs.push_back(x.spec());
  }
  return specs;
}

namespace {

void require_all(std::span<const Spec> inputs, const std::vector<Tensor>& given) {
  scan_internal::require_defined("stream", "the input", given);
  scan_internal::require_numbers("stream", "the input", given);
  require<ShapeError>(given.size() == inputs.size(),
                      "stream: the input has {} tensors, that of a step {}; a vector differs in "
                      "length",
                      given.size(), inputs.size());
}

}  // namespace

void require_step(std::span<const Spec> inputs, const std::vector<Tensor>& given) {
  require_all(inputs, given);
  for (std::size_t i = 0; i < inputs.size(); i++) {
    const std::string input = name("input", i, inputs.size());
    require<DtypeError>(given[i].dtype() == inputs[i].dtype, "stream: a step's {} is {}, got {}",
                        input, inputs[i], given[i].spec());
    require<ShapeError>(given[i].spec() == inputs[i], "stream: a step's {} is {}, got {}", input,
                        inputs[i], given[i].spec());
  }
}

Index require_block(std::span<const Spec> inputs, const std::vector<Tensor>& given) {
  require_all(inputs, given);
  for (std::size_t i = 0; i < inputs.size(); i++) {
    const Spec spec = given[i].spec();
    require<DtypeError>(spec.dtype == inputs[i].dtype, "stream: a block of {} is given for {}",
                        spec, inputs[i]);
    require<ShapeError>(given[i].rank() >= 1 && spec.with_shape(spec.shape.without(0)) == inputs[i],
                        "stream: {} is [time] and then {}, got {}",
                        inputs.size() == 1 ? "a block" : fmt::format("input {} of a block", i),
                        inputs[i], spec);
    require<ShapeError>(given[i].dim(0) == given[0].dim(0),
                        "stream: inputs {} and {} of a block differ in time", given[0].spec(),
                        spec);
  }
  return given[0].dim(0);
}

}  // namespace rw::stream_internal
