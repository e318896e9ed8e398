// What a recurrent layer refuses, in words of the layer: its options, its x, and what the step of a
// cell makes of it.
#pragma once

#include <string>
#include <vector>

#include "rewind/nn/recurrent/options.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

namespace recurrent_internal {

void check(const RecurrentOptions& options);
// Throws ShapeError unless the first tensor of x has time and batch, or at a single step the batch
// alone, and then the features of the options. What stands behind it in numbers that are no floats,
// in tokens, say, or in more axes than one, is the cell's affair.
void check_input(const std::vector<Tensor>& x, const RecurrentOptions& options, bool single_step);
// Throws ShapeError where what `first` made of a step's x has other features than the options say.
void check_first(const std::vector<Tensor>& x, const RecurrentOptions& options);
// Throws ShapeError where the outputs of a layer in one direction have other features than the
// options say: the next layer was made for these. `leading` axes stand before them.
void check_outputs(const Tensor& outputs, int leading, Index layer,
                   const RecurrentOptions& options);
// Throws DtypeError where x are other floats than the states of the layer are.
void check_dtype(const Tensor& x, const Tensor& state, Index layer,
                 const RecurrentOptions& options);
// Throws DtypeError where a step that threw the error was given numbers that are no floats.
void check_floats(const Error& error, const Tensor& x, Index layer,
                  const RecurrentOptions& options);
// What the error says, and what the step that threw it was given.
std::string said_of_step(const Error& error, const Tensor& x, const std::vector<Tensor>& state,
                         Index layer, const RecurrentOptions& options);
// Throws ShapeError unless a mask of resets of a layer that is batch_first is [batch, time].
void check_reset(const Tensor& reset, Index batch, Index time);
// Throws ShapeError where a step makes another state of one that is like the cell's initial().
void check_state(const std::vector<Tensor>& before, const std::vector<Tensor>& after);
// Throws ShapeError where outputs of a step do not have the axes that a layer arranges: rows, and
// features, where those of two directions are joined.
void check_axes(const std::vector<Tensor>& outputs, Index batch, const RecurrentOptions& options);

}  // namespace recurrent_internal
}  // namespace nn
}  // namespace rw
