// A run that is saved and loaded again and again goes on to the bits of one that never stopped.
#include <gtest/gtest.h>

#include <optional>

#include "rewind/io/checkpoint.h"
#include "rewind/nn/embedding.h"
#include "rewind/nn/gru.h"
#include "rewind/nn/linear.h"
#include "rewind/nn/loss/cross_entropy.h"
#include "rewind/nn/recurrent.h"
#include "rewind/optim/adam.h"
#include "rewind/optim/clip.h"
#include "rewind/optim/schedule.h"
#include "rewind/tensor/creation.h"
#include "support/temporary_folder.h"

namespace rw {
namespace {

using test::content_of;
using test::TemporaryFolder;

constexpr Index kWords = 50, kTime = 6, kBatch = 3, kBatches = 4;  // of one epoch

struct Tagger {
  nn::Embedding embed;
  nn::Recurrent<nn::GRUCell> rnn;
  nn::Linear head;
  explicit Tagger(Rng& rng)
      : embed(kWords, 4, rng),
        rnn({.input = 4, .hidden = 5, .layers = 2, .dropout = 0.4}, rng),
        head(5, kWords, rng) {}
  static void members(auto& self, auto&& visit) {
    visit("embed", self.embed);
    visit("rnn", self.rnn);
    visit("head", self.head);
  }
};

std::vector<Parameter> part(Tagger& model, bool embedding) {
  std::vector<Parameter> chosen;
  for (Parameter& p : nn::parameters(model)) {
    if (p.name().starts_with("embed") == embedding) chosen.push_back(std::move(p));
  }
  return chosen;
}

// Words of an example, a tenth of all: an epoch leaves rows of the table unused.
Index word(Index example, Index step) { return (7 * example + 3 * step) % 5 + 5 * (example % 10); }

// All that a training holds: weights, two optimizers, a schedule, random numbers, an order of the
// data, an average that it carries along.
class Training {
 public:
  explicit Training(std::uint64_t seed)
      : random_(seed),
        rng_(seed + 1000),
        model_(rng_),
        dense_(part(model_, false), {.weight_decay = 0.01}),
        lazy_(part(model_, true), {.sparse = optim::Sparse::lazy}) {}

  void train(int steps) {
    for (; steps > 0; steps--) losses_.push_back(step());
  }

  void save(const std::string& path) const {
    const Rng random = Random::state();
    save_checkpoint(path, model_,
                    {.optimizers = {dense_.state(), lazy_.state()},
                     .random = {random.seed(), random.draw()},
                     .position = position_,
                     .carried = {{"average", average_}}});
  }

  void load(const std::string& path) {
    TrainingState state = load_checkpoint(path, model_);
    dense_.load_state(state.optimizers.at(0));
    lazy_.load_state(state.optimizers.at(1));
    Random::set_state(state.random);
    position_ = state.position;
    average_ = state.carried.at("average");
  }

  const std::vector<double>& losses() const { return losses_; }

 private:
  double step() {
    const std::vector<Index> order = shuffled(kBatches * kBatch, 3, position_.epoch);
    std::vector<Index> words, next;
    for (Index t = 0; t < kTime; t++) {
      for (Index row = 0; row < kBatch; row++) {
        const Index example = order[static_cast<std::size_t>(position_.batch * kBatch + row)];
        words.push_back(word(example, t));
        next.push_back(word(example, t + 1));
      }
    }
    const optim::Schedule rate =
        optim::WarmUp{.steps = 4, .then = optim::Cosine{.rate = 0.02, .steps = 12}};
    dense_.set_learning_rate(rate(dense_.steps()));
    lazy_.set_learning_rate(rate(lazy_.steps()));

    Tape tape;
    const Tensor outputs = model_.rnn(model_.embed(from_span(words, {kTime, kBatch}))).outputs;
    const Tensor loss =
        nn::cross_entropy(model_.head(nn::dropout(outputs, 0.3)), from_span(next, {kTime, kBatch}));
    Gradients gradients = tape.backward(loss);
    optim::clip_norm(gradients, 0.5);
    dense_.step(gradients);
    lazy_.step(gradients);
    average_ = 0.9 * average_ + 0.1 * loss;
    if (++position_.batch == kBatches) position_ = {position_.epoch + 1, 0};
    return loss.item();
  }

  Random random_;
  Rng rng_;
  Tagger model_;
  optim::Adam dense_, lazy_;
  DataPosition position_;
  Tensor average_ = zeros({});
  std::vector<double> losses_;
};

TEST(Resume, Bug40GoesOnToTheSameBitsHoweverOftenItIsStopped) {
  TemporaryFolder folder;
  constexpr int kSteps = 7;  // ends within an epoch, before and after the warm-up's end
  std::vector<double> unbroken, losses;
  {
    Training run(1);
    for (int i = 0; i < 3; i++) {
      run.train(kSteps);
      run.save(folder / fmt::format("unbroken.{}", i));
    }
    unbroken = run.losses();
  }
  for (int i = 0; i < 3; i++) {
    Training run(i == 0 ? 1 : 77);  // fresh objects with other numbers, as another process has them
    if (i > 0) run.load(folder / fmt::format("resumed.{}", i - 1));
    run.train(kSteps);
    run.save(folder / fmt::format("resumed.{}", i));
    losses.insert(losses.end(), run.losses().begin(), run.losses().end());
    const bool same = content_of(folder / fmt::format("resumed.{}", i)) ==
                      content_of(folder / fmt::format("unbroken.{}", i));
    EXPECT_TRUE(same) << "part " << i;  // not EXPECT_EQ, which would print both files
  }
  EXPECT_EQ(losses, unbroken);
}

}  // namespace
}  // namespace rw
