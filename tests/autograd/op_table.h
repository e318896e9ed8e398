// The one table of operations. A row is a function of tensors and inputs to it; op_table_test.cpp
// and op_table_kernels_test.cpp put every row through every check, so a new operation needs a row
// and nothing else.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "rewind/tensor/tensor.h"
#include "support/reference.h"

namespace rw::test {

using Tensors = std::vector<Tensor>;
using reference::Array;
using reference::Position;

// Random numbers in [low, high).
struct Argument {
  Dims shape;
  double low = -2, high = 2;
  Dtype dtype = float64;
};

struct OpRow {
  std::string name;
  std::function<Tensor(const Tensors&)> f;
  std::vector<Argument> in;
  // The value by its definition; absent where it is random.
  std::function<Array(const Tensors&)> value = {};
  // Shapes with a size of 0. Without any, the first size of every input becomes 0.
  std::vector<Dims> empty = {};
  // Shapes with work for a second worker, where the operation asks for one.
  std::vector<Dims> large = {};
};

inline void PrintTo(const OpRow& row, std::ostream* out) { *out << row.name; }

std::vector<OpRow> elementwise_rows();
std::vector<OpRow> reduction_rows();
std::vector<OpRow> shape_rows();
std::vector<OpRow> indexing_rows();
std::vector<OpRow> source_rows();

inline std::vector<OpRow> op_table() {
  std::vector<OpRow> all;
  for (auto rows : {elementwise_rows, reduction_rows, shape_rows, indexing_rows, source_rows}) {
    for (OpRow& row : rows()) all.push_back(std::move(row));
  }
  return all;
}

// An array of this shape from a function of the position.
template <class F>
Array built(const Dims& shape, F f) {
  Array result{shape, {}};
  reference::for_each_position(
      shape, [&](const Position& at) { result.values.push_back(static_cast<double>(f(at))); });
  return result;
}

inline double at(const Tensor& x, std::initializer_list<Index> position) {
  Position p{};
  std::copy(position.begin(), position.end(), p.begin());
  return reference::element(x, p, x.shape());
}

}  // namespace rw::test
