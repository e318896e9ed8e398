// Products of what was looked up in a table, over many steps at once. Where the table has at most
// half as many rows as all steps together, it is multiplied itself:
//
//   take(E, i) W            is   take(E W, i)
//   take(E, i)^T d          is   E^T s        with s = the d of each row of E added up
//   sum of d W^T by rows    is   s W^T        the gradient of E
//
// Whether it pays depends on how many steps there are, so it is decided where the product runs, and
// plans know nothing of it. The first has the bits of the longer way: a product gives a row the
// same bits wherever it stands.
#pragma once

#include <optional>

#include "rewind/autograd/engine/run/lifted.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// The rows of a product, the short way: those of a table at these indices.
struct TableRows {
  Tensor table, indices;
};
// Of a node that is a product, with `row` added to each of its rows where there is one; `value` is
// what that gives: the product, or the sum. Nothing where there is no short way.
std::optional<TableRows> product_by_table(const Program& program, Lifted& lifted,
                                          const Graph::Node& node, ValueId value,
                                          const Tensor& row = {});

// A sum over the rows of all steps that goes by a table: what is to be added up by its rows.
struct TableSum {
  ValueId d, indices;
  Index rows;  // of the table
  friend bool operator==(const TableSum&, const TableSum&) = default;
};
std::optional<TableSum> sum_by_table(const Program& program, const Lifted& lifted,
                                     const Graph::Node& node);
// The value of the node, when all steps have been added up: `sums` [rows, ...], and how often each
// row was looked up, `uses` [rows, 1], of the dtype of the sums.
Tensor made_of_sums(const Program& program, Lifted& lifted, const Graph::Node& node,
                    const Tensor& sums, const Tensor& uses);

// From how many steps on a node that runs outside of the loop goes the short way, as far as the
// plan can tell; 0: never.
Index steps_by_table(const Program& program, const Graph::Node& node);

}  // namespace engine
}  // namespace rw
