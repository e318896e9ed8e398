// The step of a cell as a recurrent layer runs it: {State, Outputs} whatever form the cell returns,
// and errors that name the layer.
#pragma once

#include <type_traits>
#include <utility>

#include "rewind/nn/cell.h"
#include "rewind/nn/recurrent/checks.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

namespace recurrent_internal {

// The first word of the compiler on a cell whose step does not take such an x, before it follows it
// into the loop.
template <class C, class Inputs>
constexpr bool takes() {
  constexpr bool as_const = StepsOn<const C, Inputs>;
  constexpr bool at_all = as_const || StepsOn<C, Inputs>;
  static_assert(as_const || !at_all,
                "the `step(x, state)` of a cell is const, and this one is not");
  static_assert(at_all,
                "a cell has a member `step(x, state) const` for its State and the x that it is "
                "given: by a call, an example, or `first`; by a number of rows alone, a Tensor");
  return as_const;
}

// One step of a cell as {State, Outputs}, whatever form it returns.
template <class C, class Inputs>
auto step(const C& cell, const Inputs& x, const typename C::State& state) {
  if constexpr (!std::is_same_v<decltype(cell.step(x, state)), typename C::State>) {
    return cell.step(x, state);
  } else {
    auto result = cell.step(x, state);
    if constexpr (requires { C::output(result); }) {
      auto output = C::output(result);
      return std::pair(std::move(result), std::move(output));
    } else {
      Tensor output = first_tensor(result);
      return std::pair(std::move(result), std::move(output));
    }
  }
}

// The step of a layer's cell. What it does not take, by dtype or shape, is said of the layer.
template <class C, class Inputs>
auto step_of_layer(const C& cell, Index layer, const RecurrentOptions& options, const Inputs& x,
                   const typename C::State& state) {
  try {
    return step(cell, x, state);
  } catch (const DtypeError& error) {
    check_floats(error, first_tensor(x), layer, options);
    check_dtype(first_tensor(x), first_tensor(state), layer, options);
    throw;
  } catch (const ShapeError& error) {
    check_floats(error, first_tensor(x), layer, options);
    throw ShapeError(said_of_step(error, first_tensor(x), tensors_of(state), layer, options));
  }
}

// {State, Outputs} of one step among many, which have to be alike.
template <class Result, class Inputs, class State>
Result checked(Result result, const Inputs& x, const State& state,
               const RecurrentOptions& options) {
  check_state(tensors_of(state), tensors_of(result.first));
  check_axes(tensors_of(result.second), first_tensor(x).dim(0), options);
  return result;
}

}  // namespace recurrent_internal
}  // namespace nn
}  // namespace rw
