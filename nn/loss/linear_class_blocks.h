// Cross-entropy of a linear layer, block of rows by block of rows: the logits of one block are all
// that exist at a time.
#pragma once

#include "rewind/tensor/index.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

// x [rows, features] lies row after row; element (c, f) of the weight [classes, features] stands
// at weight[c * class_step + f * feature_step]. A row counts when its target is not `ignored`;
// targets of rows that count are classes.
template <class T>
struct LinearClasses {
  Index rows, features, classes;
  const T* x;
  const T* weight;
  Index class_step, feature_step;
  const T* bias;         // [classes]
  const Index* targets;  // [rows]
  const T* factors;      // [rows]
  Index ignored;
  double smoothing;
};

// Where the results go, each of them written whole. Null: not wanted.
template <class T>
struct LinearClassResults {
  T* losses;  // [rows], as of ClassLosses (class_losses.h); 0 in rows that do not count
  // The gradients of the sum of losses, each times its row's factor.
  T* x;       // [rows, features]
  T* weight;  // [classes, features]
  T* bias;    // [classes]
};

// x of rows that do not count is not looked at. Every sum of products has one order, ascending, so
// the bits of a row's results depend on that row and the layer alone, those of the others on the
// rows that count: neither on the number of threads nor on the size of a block.
void run_in_blocks(const LinearClasses<float>& of, const LinearClassResults<float>& to);
void run_in_blocks(const LinearClasses<double>& of, const LinearClassResults<double>& to);

}  // namespace nn
}  // namespace rw
