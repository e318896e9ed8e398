// Broadcasting of every kind, undone by the rewind.
#include <gtest/gtest.h>

#include "autograd/edges.h"

namespace rw::test {
namespace {

// Shapes of rank 0 to `rank` with these sizes.
std::vector<Dims> shapes_up_to(int rank, Index sizes) {
  std::vector<Dims> all{{}};
  for (std::size_t i = 0; i < all.size(); i++) {
    if (all[i].rank() == rank) continue;
    for (Index size = 0; size < sizes; size++) {
      Dims longer = all[i];
      longer.push_back(size);
      all.push_back(longer);
    }
  }
  return all;
}

// Whether the gradient of a + b for `shape` is dy summed over what was repeated.
bool undoes_broadcast(const Tensor& dx, const Dims& shape, const Tensor& dy) {
  if (!(dx.spec() == Spec{shape, float64})) return false;
  Values expected(static_cast<std::size_t>(shape.count()));
  reference::for_each_position(dy.shape(), [&](const reference::Position& p) {
    Index place = 0;
    for (int i = 0; i < shape.rank(); i++) {
      const Index at = p[static_cast<std::size_t>(i + dy.rank() - shape.rank())];
      place = place * shape[i] + (shape[i] == 1 ? 0 : at);
    }
    expected[static_cast<std::size_t>(place)] += reference::element(dy, p, dy.shape());
  });
  const Values seen = values(dx);
  for (std::size_t i = 0; i < seen.size(); i++) {
    if (std::abs(seen[i] - expected[i]) > 1e-12) return false;
  }
  return true;
}

TEST(Bug29, BroadcastsOfAllShapesAreUndone) {
  const std::vector<Dims> shapes = shapes_up_to(4, 4);
  int pairs = 0;
  for (const Dims& a : shapes) {
    for (const Dims& b : shapes) {
      bool fits = true;
      for (int i = 1; i <= std::min(a.rank(), b.rank()); i++) {
        const Index p = a[a.rank() - i], q = b[b.rank() - i];
        fits &= p == q || p == 1 || q == 1;
      }
      if (!fits) continue;
      Tape tape;
      const Tensor x = tape.watch(ones(a, float64)), y = tape.watch(ones(b, float64));
      const Tensor z = x * y;
      const Tensor dz = reference::sample(z.spec());
      const Gradients gradients = tape.backward({{z, dz}});
      ASSERT_TRUE(undoes_broadcast(gradients[x], a, dz)) << to_string(a) << " " << to_string(b);
      ASSERT_TRUE(undoes_broadcast(gradients[y], b, dz)) << to_string(a) << " " << to_string(b);
      pairs++;
    }
  }
  EXPECT_GT(pairs, 10000);
}

}  // namespace
}  // namespace rw::test
