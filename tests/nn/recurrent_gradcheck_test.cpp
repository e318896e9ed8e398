// Every derivative of the recurrent layers against differences.
#include <gtest/gtest.h>

#include "nn/recurrent_kinds.h"
#include "rewind/autograd/gradcheck.h"

namespace rw::test {
namespace {

// A layer as a function of all its tensors: input, initial states, weights.
template <class Kind>
class Probe {
 public:
  using State = typename Kind::Cell::State;

  Probe(Index layers, bool bidirectional, Index time)
      : layer_(recurrent<Kind>({.hidden = 2, .layers = layers, .bidirectional = bidirectional})),
        starts_(starts(layer_)),
        point_{wave({time, kBatch, kInput})} {
    for (const Tensor& x : tensors_of(starts_)) point_.push_back(x);
    for (const Parameter& p : nn::parameters(layer_)) point_.push_back(p.value());
  }

  const std::vector<Tensor>& point() const { return point_; }

  auto operator()(const std::vector<Tensor>& tensors) const {
    std::size_t next = 1;
    const auto initial = map_tensors(starts_, [&](const Tensor&) { return tensors.at(next++); });
    const auto layer =
        nn::map_parameters(layer_, [&](const Parameter&) { return tensors.at(next++); });
    return layer(tensors[0], {.initial = initial});
  }

  std::vector<Tensor> all_of(const std::vector<Tensor>& tensors) const {
    const auto result = (*this)(tensors);
    std::vector<Tensor> all = {result.outputs, result.last};
    for (const Tensor& x : tensors_of(result.final)) all.push_back(x);
    return all;
  }

  // Moves each tensor along a direction of its own, in which every element takes part: then one
  // number per tensor is to be varied, and none of the tensor's derivatives can be wrong unseen.
  std::vector<Tensor> along(const std::vector<Tensor>& distances) const {
    std::vector<Tensor> moved;
    for (std::size_t i = 0; i < point_.size(); i++) {
      const Tensor direction = wave(point_[i].shape(), 100 + static_cast<double>(i));
      moved.push_back(point_[i] + distances.at(i) * direction);
    }
    return moved;
  }
  std::vector<Tensor> no_distances() const {
    return std::vector<Tensor>(point_.size(), zeros({}, float64));
  }

 private:
  nn::Recurrent<typename Kind::Cell> layer_;
  std::vector<State> starts_;
  std::vector<Tensor> point_;
};

template <class Kind>
void check_all(Index layers, bool bidirectional, Index time) {
  const Probe<Kind> probe(layers, bidirectional, time);
  const auto results = [&](const std::vector<Tensor>& distances) {
    return probe.all_of(probe.along(distances));
  };
  EXPECT_TRUE(gradcheck(results, probe.no_distances()))
      << layers << " layers, " << time << " steps";
}

template <class Kind>
class Bug01 : public testing::Test {};
TYPED_TEST_SUITE(Bug01, Kinds, KindNames);

TYPED_TEST(Bug01, BothDirectionsOfOneToFourLayersHaveRightGradients) {
  for (Index layers = 1; layers <= 4; layers++) {
    for (Index time : {1, 2, 5}) check_all<TypeParam>(layers, true, time);
  }
}
TYPED_TEST(Bug01, OneDirectionHasRightGradients) {
  for (Index layers : {1, 3}) check_all<TypeParam>(layers, false, 3);
}
TYPED_TEST(Bug01, EachElementHasARightGradient) {
  const Probe<TypeParam> probe(2, true, 3);
  const auto results = [&](const std::vector<Tensor>& x) { return probe.all_of(x); };
  EXPECT_TRUE(gradcheck(results, probe.point()));
}
TYPED_TEST(Bug01, SecondDerivativesAreRight) {
  const Probe<TypeParam> probe(2, true, 3);
  const auto results = [&](const std::vector<Tensor>& distances) {
    return probe.all_of(probe.along(distances));
  };
  EXPECT_TRUE(gradgradcheck(results, probe.no_distances()));
}

// A loss of some of the results alone.
template <class Pick>
GradcheckResult check_part(Pick pick) {
  const Probe<Lstm> probe(2, true, 3);
  return gradcheck(
      [&](const std::vector<Tensor>& distances) -> std::vector<Tensor> {
        return pick(probe(probe.along(distances)));
      },
      probe.no_distances());
}

using Tensors = std::vector<Tensor>;

TEST(Bug05, ALossOfTheLastCellStateAloneHasRightGradients) {
  EXPECT_TRUE(check_part([](const auto& r) { return Tensors{r.final[0].c, r.final[3].c}; }));
}
TEST(Bug05, ALossOfTheLastHiddenStateAloneHasRightGradients) {
  EXPECT_TRUE(check_part([](const auto& r) { return Tensors{r.final[1].h, r.final[2].h}; }));
}
TEST(Bug05, ALossOfTheOutputsAloneHasRightGradients) {
  EXPECT_TRUE(check_part([](const auto& r) { return Tensors{r.outputs}; }));
}
TEST(Bug05, ALossOfAMixtureHasRightGradients) {
  EXPECT_TRUE(
      check_part([](const auto& r) { return Tensors{r.outputs * 2 + r.final[0].c[0][0]}; }));
  EXPECT_TRUE(check_part([](const auto& r) { return Tensors{r.final[2].h * r.final[1].c}; }));
}

}  // namespace
}  // namespace rw::test
