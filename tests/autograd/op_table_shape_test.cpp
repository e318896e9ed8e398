// Rows of the table: the same numbers in another shape, and numbers put together.
#include <algorithm>
#include <numeric>

#include "autograd/op_table.h"
#include "rewind/autograd/engine/step/stage.h"
#include "rewind/autograd/stop_gradient.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/ordered_matmul.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/rounding.h"
#include "rewind/tensor/views.h"
#include "support/naive_matmul.h"

namespace rw::test {
namespace {

void add_views(std::vector<OpRow>& rows) {
  const Argument cube{{2, 3, 4}};
  rows.push_back({"reshape",
                  [](const Tensors& x) {
                    return reshape(x[0], {-1, 4});
                  },
                  {cube},
                  [](const Tensors& x) {
                    Array y = reference::array(x[0]);
                    y.shape = {x[0].size() / 4, 4};
                    return y;
                  }});
  rows.push_back({"permute",
                  [](const Tensors& x) {
                    return permute(x[0], {2, 0, 1});
                  },
                  {cube},
                  [](const Tensors& x) {
                    return built({x[0].dim(2), x[0].dim(0), x[0].dim(1)}, [&](Position p) {
                      return at(x[0], {p[1], p[2], p[0]});
                    });
                  }});
  rows.push_back(
      {"expand",
       [](const Tensors& x) {
         return expand(x[0], {3, x[0].dim(0), 4});
       },
       {{{2, 1}}},
       [](const Tensors& x) {
         return built({3, x[0].dim(0), 4}, [&](Position p) { return at(x[0], {p[1], 0}); });
       }});
  rows.push_back(
      {"slice",
       [](const Tensors& x) { return slice(x[0], 1, 1, 6, 2); },
       {{{2, 7}}},
       [](const Tensors& x) {
         return built({x[0].dim(0), 3}, [&](Position p) { return at(x[0], {p[0], 1 + 2 * p[1]}); });
       }});
  rows.push_back(
      {"select",
       [](const Tensors& x) { return select(x[0], 1, -1); },
       {{{2, 3, 4}}},
       [](const Tensors& x) {
         return built({x[0].dim(0), 4}, [&](Position p) { return at(x[0], {p[0], 2, p[1]}); });
       }});
  rows.push_back(
      {"contiguous",
       [](const Tensors& x) { return contiguous(transpose(x[0])); },
       {{{2, 3}}},
       [](const Tensors& x) {
         return built({3, x[0].dim(0)}, [&](Position p) { return at(x[0], {p[1], p[0]}); });
       }});
  rows.push_back({"stage",
                  [](const Tensors& x) { return apply(engine::Stage{}, x[0]); },
                  {{{2, 3}}},
                  [](const Tensors& x) { return reference::array(x[0]); }});
  rows.push_back(
      {"flip",
       [](const Tensors& x) { return flip(x[0], {1}); },
       {{{2, 3}}},
       [](const Tensors& x) {
         return built(x[0].shape(), [&](Position p) { return at(x[0], {p[0], 2 - p[1]}); });
       }});
  // Of what is constant around each point, since that is what it says of all.
  rows.push_back(
      {"stop_gradient",
       [](const Tensors& x) { return stop_gradient(floor(x[0])); },
       {{{2, 3}}},
       [](const Tensors& x) {
         return built(x[0].shape(), [&](Position p) { return std::floor(at(x[0], {p[0], p[1]})); });
       }});
}

void add_joints(std::vector<OpRow>& rows) {
  rows.push_back({"concat",
                  [](const Tensors& x) {
                    return concat({x[0], x[1], x[0]});
                  },
                  {{{2, 3}}, {{2, 2}}},
                  [](const Tensors& x) {
                    return built({x[0].dim(0), 8}, [&](Position p) {
                      const Index j = p[1];
                      return j < 3   ? at(x[0], {p[0], j})
                             : j < 5 ? at(x[1], {p[0], j - 3})
                                     : at(x[0], {p[0], j - 5});
                    });
                  }});
  rows.push_back({"stack",
                  [](const Tensors& x) {
                    return stack({x[0], x[1]}, 1);
                  },
                  {{{2, 3}}, {{2, 3}}},
                  [](const Tensors& x) {
                    return built({x[0].dim(0), 2, 3}, [&](Position p) {
                      return at(x[static_cast<std::size_t>(p[1])], {p[0], p[2]});
                    });
                  }});
  rows.push_back({"pad",
                  [](const Tensors& x) {
                    return pad(x[0], {Border{1, 2}, Border{0, 1}}, 0.5);
                  },
                  {{{2, 3}}},
                  [](const Tensors& x) {
                    return built({x[0].dim(0) + 3, 4}, [&](Position p) {
                      const bool inside = p[0] >= 1 && p[0] < 1 + x[0].dim(0) && p[1] < 3;
                      return inside ? at(x[0], {p[0] - 1, p[1]}) : 0.5;
                    });
                  }});
  rows.push_back({"repeat",
                  [](const Tensors& x) {
                    return repeat(x[0], {2, 3});
                  },
                  {{{2, 3}}},
                  [](const Tensors& x) {
                    return built({2 * x[0].dim(0), 9}, [&](Position p) {
                      return at(x[0], {p[0] % x[0].dim(0), p[1] % 3});
                    });
                  }});
  rows.push_back({"set",
                  [](const Tensors& x) {
                    Tensor y = x[0];
                    y.set({kAll, Range{1, kEnd, 2}}, x[1]);
                    return y;
                  },
                  {{{2, 5}}, {{2, 2}}},
                  [](const Tensors& x) {
                    return built(x[0].shape(), [&](Position p) {
                      return p[1] % 2 ? at(x[1], {p[0], p[1] / 2}) : at(x[0], {p[0], p[1]});
                    });
                  }});
  rows.push_back({"set one",
                  [](const Tensors& x) {
                    Tensor y = x[0];
                    y.set({kAll, 1}, x[1]);
                    return y;
                  },
                  {{{2, 3}}, {{2}}},
                  [](const Tensors& x) {
                    return built(x[0].shape(), [&](Position p) {
                      return p[1] == 1 ? at(x[1], {p[0]}) : at(x[0], {p[0], p[1]});
                    });
                  }});
  rows.push_back({"slice_add",
                  [](const Tensors& x) { return slice_add(x[0], x[1], 1, 1, 4, 2); },
                  {{{2, 5}}, {{2, 2}}},
                  [](const Tensors& x) {
                    return built(x[0].shape(), [&](Position p) {
                      const bool inside = p[1] == 1 || p[1] == 3;
                      return at(x[0], {p[0], p[1]}) + (inside ? at(x[1], {p[0], p[1] / 2}) : 0);
                    });
                  }});
}

using Product = Tensor (*)(const Tensor&, const Tensor&);

template <Product product>
void add_products(std::vector<OpRow>& rows, const std::string& op) {
  const auto row = [&](const std::string& name, Dims a, Dims b, std::vector<Dims> empty) {
    rows.push_back({op + " " + name,
                    [](const Tensors& x) { return product(x[0], x[1]); },
                    {{a}, {b}},
                    [](const Tensors& x) {
                      const bool row_left = x[0].rank() == 1, column_right = x[1].rank() == 1;
                      const Tensor p = row_left ? unsqueeze(x[0], 0) : x[0];
                      const Tensor q = column_right ? unsqueeze(x[1], 1) : x[1];
                      Array y{product(x[0], x[1]).shape(), {}};
                      y.values = naive_matmul<double>(p, q, product(p, q).shape());
                      return y;
                    },
                    std::move(empty)});
  };
  row("of matrices", {2, 3}, {3, 4}, {{2, 0}, {0, 4}});
  rows.back().large = {{512, 128}, {128, 128}};
  row("of no rows", {2, 3}, {3, 4}, {{0, 3}, {3, 4}});
  row("of a row", {3}, {3, 4}, {{0}, {0, 4}});
  row("with a column", {2, 3}, {3}, {{0, 3}, {3}});
  row("of vectors", {3}, {3}, {{0}, {0}});
  row("of batches", {2, 3, 2}, {2, 2, 3}, {{0, 3, 2}, {0, 2, 3}});
  rows.back().large = {{8, 64, 64}, {8, 64, 128}};
  row("of a batch and a matrix", {2, 3, 2}, {2, 4}, {{0, 3, 2}, {2, 4}});
  row("of a matrix and a batch", {3, 2}, {2, 2, 3}, {{3, 2}, {0, 2, 3}});
  row("of batches that broadcast", {2, 1, 3, 2}, {3, 2, 2}, {{2, 1, 3, 2}, {0, 2, 2}});
  row("of a row and a batch", {2}, {3, 2, 4}, {{2}, {0, 2, 4}});
  row("of a batch and a column", {3, 2, 4}, {4}, {{3, 0, 4}, {4}});
}

}  // namespace

std::vector<OpRow> shape_rows() {
  std::vector<OpRow> rows;
  add_views(rows);
  add_joints(rows);
  add_products<matmul>(rows, "matmul");
  add_products<ordered_matmul>(rows, "ordered_matmul");
  return rows;
}

}  // namespace rw::test
