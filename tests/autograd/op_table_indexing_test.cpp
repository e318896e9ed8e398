// Rows of the table: elements picked by number or by order, and tensors made from nothing.
#include <algorithm>

#include "autograd/op_table.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/sorting.h"

namespace rw::test {
namespace {

Index index_at(const Tensor& x, std::initializer_list<Index> position) {
  return static_cast<Index>(at(x, position));
}

void add_rows_of_tables(std::vector<OpRow>& rows) {
  const Argument indices{{2, 3}, 0, 4, int64};
  const std::vector<Dims> none{{4, 2}, {0, 3}};
  const auto looked_up = [](const Tensor& table, const Tensor& i) {
    return built({i.dim(0), i.dim(1), table.dim(1)}, [&](Position p) {
      return at(table, {index_at(i, {p[0], p[1]}), p[2]});
    });
  };
  const auto sums = [](Array start, const Tensor& i, const Tensor& dy) {
    reference::for_each_position(dy.shape(), [&](const Position& p) {
      const Index place = index_at(i, {p[0], p[1]}) * dy.dim(2) + p[2];
      start.values[static_cast<std::size_t>(place)] += reference::element(dy, p, dy.shape());
    });
    return start;
  };
  rows.push_back({"take",
                  [](const Tensors& x) { return take(x[0], x[1]); },
                  {{{4, 2}}, indices},
                  [=](const Tensors& x) { return looked_up(x[0], x[1]); },
                  none});
  rows.push_back({"take_adjoint",
                  [](const Tensors& x) { return take_adjoint(x[0], x[1], 4); },
                  {{{2, 3, 2}}, indices},
                  [=](const Tensors& x) {
                    return sums(built({4, 2}, [](Position) { return 0; }), x[1], x[0]);
                  }});
  rows.push_back({"add_rows",
                  [](const Tensors& x) { return add_rows(x[0], x[1], x[2]); },
                  {{{4, 2}}, indices, {{2, 3, 2}}},
                  [=](const Tensors& x) { return sums(reference::array(x[0]), x[1], x[2]); },
                  {{4, 2}, {0, 3}, {0, 3, 2}}});
}

void add_gathers(std::vector<OpRow>& rows) {
  const Argument index{{2, 5}, 0, 3, int64};
  rows.push_back({"gather",
                  [](const Tensors& x) { return gather(x[0], 1, x[1]); },
                  {{{2, 3}}, index},
                  [](const Tensors& x) {
                    return built(x[1].shape(), [&](Position p) {
                      return at(x[0], {p[0], index_at(x[1], {p[0], p[1]})});
                    });
                  }});
  rows.push_back({"scatter_add",
                  [](const Tensors& x) { return scatter_add(x[0], 1, x[1], x[2]); },
                  {{{2, 3}}, index, {{2, 5}}},
                  [](const Tensors& x) {
                    Array y = reference::array(x[0]);
                    reference::for_each_position(x[1].shape(), [&](const Position& p) {
                      const Index place = p[0] * 3 + index_at(x[1], {p[0], p[1]});
                      y.values[static_cast<std::size_t>(place)] += at(x[2], {p[0], p[1]});
                    });
                    return y;
                  }});
  rows.push_back({"one_hot",
                  [](const Tensors& x) { return one_hot(x[0], 4, float64); },
                  {{{2, 3}, 0, 4, int64}},
                  [](const Tensors& x) {
                    return built({x[0].dim(0), 3, 4}, [&](Position p) {
                      return index_at(x[0], {p[0], p[1]}) == p[2] ? 1 : 0;
                    });
                  }});
}

void add_orders(std::vector<OpRow>& rows) {
  // The values of row i of x in order, the largest first where asked for.
  const auto sorted = [](const Tensor& x, Index i, bool descending) {
    std::vector<double> row;
    for (Index j = 0; j < x.dim(1); j++) row.push_back(at(x, {i, j}));
    std::sort(row.begin(), row.end());
    if (descending) std::reverse(row.begin(), row.end());
    return row;
  };
  rows.push_back({"argsort",
                  [](const Tensors& x) { return gather(x[0], 1, argsort(x[0], 1, true)); },
                  {{{2, 5}}},
                  [=](const Tensors& x) {
                    return built(x[0].shape(), [&](Position p) {
                      return sorted(x[0], p[0], true)[static_cast<std::size_t>(p[1])];
                    });
                  }});
  rows.push_back({"sort",
                  [](const Tensors& x) { return sort(x[0], 1)[0]; },
                  {{{2, 5}}},
                  [=](const Tensors& x) {
                    return built(x[0].shape(), [&](Position p) {
                      return sorted(x[0], p[0], false)[static_cast<std::size_t>(p[1])];
                    });
                  }});
  rows.push_back({"topk",
                  [](const Tensors& x) { return topk(x[0], 3)[0]; },
                  {{{2, 5}}},
                  [=](const Tensors& x) {
                    return built({x[0].dim(0), 3}, [&](Position p) {
                      return sorted(x[0], p[0], true)[static_cast<std::size_t>(p[1])];
                    });
                  }});
}

OpRow source(const std::string& name, std::function<Tensor()> f,
             std::function<double(Position)> value = {}) {
  OpRow row{name, [f](const Tensors&) { return f(); }, {}};
  if (value) row.value = [f, value](const Tensors&) { return built(f().shape(), value); };
  return row;
}

}  // namespace

std::vector<OpRow> indexing_rows() {
  std::vector<OpRow> rows;
  add_rows_of_tables(rows);
  add_gathers(rows);
  add_orders(rows);
  return rows;
}

std::vector<OpRow> source_rows() {
  return {
      source(
          "full",
          [] {
            return full({2, 3}, 1.5, float64);
          },
          [](Position) { return 1.5; }),
      source(
          "scalar", [] { return scalar(2.5, float64); }, [](Position) { return 2.5; }),
      source(
          "arange", [] { return arange(1, 9, 2); }, [](Position p) { return 1 + 2 * p[0]; }),
      source(
          "eye", [] { return eye(2, 3, float64); }, [](Position p) { return p[0] == p[1]; }),
      source("uniform", [] { return uniform({50}, {.dtype = float64}); }),
      source("normal", [] { return normal({50}, {.dtype = float64}); }),
      source("bernoulli", [] { return bernoulli({50}, {.dtype = float64}); }),
      source("permutation", [] { return permutation(50); }),
      {"categorical", [](const Tensors& x) { return categorical(x[0]); }, {{{20, 3}}}},
  };
}

}  // namespace rw::test
