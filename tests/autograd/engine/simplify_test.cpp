// Where transposes go.
#include "rewind/autograd/engine/step/simplify.h"

#include <gtest/gtest.h>

#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

const Permute kTranspose{{1, 0}};

template <class Op>
bool is_made_by(const Graph& graph, ValueId value) {
  return graph.maker(value)->operation.is<Op>();
}

// x^T d is as easily made as d^T x.
TEST(Simplify, SumsAreTransposedWhereTheirTermsAreForFree) {
  Graph graph;
  const auto leaf = [&](Index columns) { return graph.leaf({{4, columns}, float64}); };
  const auto product = [&] {
    return simplified(graph, MatMul{}, {simplified(graph, kTranspose, {leaf(3)}), leaf(5)});
  };
  const ValueId sum = simplified(graph, Add{}, {product(), product()});
  const ValueId transposed = simplified(graph, kTranspose, {sum});
  EXPECT_TRUE(is_made_by<Add>(graph, transposed));
  EXPECT_EQ(graph.spec(transposed).shape, (Dims{5, 3}));
}

TEST(Simplify, OtherSumsAreTransposedAsOne) {
  Graph graph;
  const auto leaf = [&] { return graph.leaf({{4, 5}, float64}); };
  const ValueId sum = simplified(graph, Add{}, {leaf(), leaf()});
  EXPECT_TRUE(is_made_by<Permute>(graph, simplified(graph, kTranspose, {sum})));
}

}  // namespace
}  // namespace rw::engine
