// Matrices packed for the product kernel (tensor/kernels/packed_product.h).
#pragma once

#include "rewind/autograd/engine/compile/recipe.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// The packed form of the matrix of floats that a recipe makes of these tensors, whatever their
// strides. It is remembered, and with it the tensors' numbers: numbers that are held are never
// written to (a write copies them first), so what was packed of them stays right. Forms of numbers
// that nobody else holds any more, by whatever view, are forgotten when another is asked for; so a
// training step packs once after each update, inference once in all. Of the rest the last 1024 are
// kept, and 1 GiB of them. That counts forms alone: what they are made of somebody else holds too,
// or it goes when the next form is asked for. Threads may share it.
Tensor packed_form(const std::shared_ptr<const Recipe>& recipe, const std::vector<Tensor>& sources);
Tensor packed_form(const Tensor& w);  // of w itself

// How many forms are remembered now.
std::size_t remembered_forms();

// a [..., k] times the matrix [k, n] of a packed form: any row has the bits that it has by itself,
// or in a loop.
Tensor times_packed(const Tensor& a, const Tensor& form, Index n);
// The same of a [rows, k] where the rows are wanted: y [rows, n], contiguous. A `row` [n], if there
// is one, is added to each when it is done, which gives the same bits as adding it afterwards.
void multiply_packed(const Tensor& a, const Tensor& form, Tensor& y, const Tensor& row = {});

}  // namespace engine
}  // namespace rw
