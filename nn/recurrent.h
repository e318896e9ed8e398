// Runs a cell over time: layers, both directions, lengths in any order, resets, carried state,
// dropout.
//
//   nn::Recurrent<nn::LSTMCell> encoder({.input = 32, .hidden = 64, .layers = 2,
//                                        .bidirectional = true}, rng);
//   auto result = encoder(x, {.lengths = lengths});   // x [time, batch, 32]
//   result.outputs;                                   // [time, batch, 128]
//
// Parameters are named as the cell names them, with PyTorch's suffix: weight_ih_l0, gate.weight_l1,
// weight_hh_l0_reverse.
#pragma once

#include <functional>

#include "rewind/autograd/explain.h"
#include "rewind/autograd/note.h"
#include "rewind/autograd/stage.h"
#include "rewind/autograd/stream.h"
#include "rewind/nn/dropout.h"
#include "rewind/nn/embedding.h"
#include "rewind/nn/parameters.h"
#include "rewind/nn/recurrent/layers.h"
#include "rewind/nn/recurrent/step.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

// What is no cell is told so here, in one sentence.
template <class C>
class Recurrent {
  static_assert(std::is_class_v<C> && HasStep<C>, "a cell has a member `step(x, state) const`");
  static_assert(HasState<C>,
                "a cell has a type `State`: a Tensor, a vector of them, or a plain struct of these "
                "without constructors");
  static_assert(!HasState<C> || HasInitial<C>,
                "a cell has a member `State initial(Index batch) const`");
};

template <Cell C>
class Recurrent<C> {
 public:
  using CellState = typename C::State;
  // A one-directional Recurrent is a cell itself, with the states of its layers as its state.
  using State = std::vector<CellState>;

  Recurrent(const RecurrentOptions& options,
            Rng& rng) requires std::constructible_from<C, Index, Index, Rng&>
      : Recurrent([&](Index input) { return C(input, options.hidden, rng); }, options) {}
  Recurrent(const RecurrentOptions&, Rng&) {
    static_assert(
        scan_internal::kNever<C>,
        "a cell is made as Cell(input, hidden, rng); for one that is not, give a function "
        "that makes it: Recurrent([&](Index input) { return Cell(...); }, options)");
  }

  // For cells with another constructor: make(input) gives the cell of a layer with that many
  // features.
  template <class Make>
  requires std::is_invocable_r_v<C, Make&, Index> Recurrent(Make make,
                                                            const RecurrentOptions& options)
      : options_(options) {
    recurrent_internal::check(options);
    for (Index layer = 0; layer < options.layers; layer++) {
      const Index input = layer == 0 ? options.input : directions() * options.hidden;
      for (Index d = 0; d < directions(); d++) cells_.push_back(make(input));
    }
  }

  const RecurrentOptions& options() const { return options_; }

  // x: a Tensor [time, batch, input], or a struct of tensors whose first one is, and whose others
  // are [time, batch, ...] and go to every layer.
  //
  // `first` is what the first layer makes of a step's x before its cell takes it: an embedding of
  // tokens, encoder(tokens, {}, embed). The results are those of encoder(embed(tokens)), but it is
  // a part of the recurrence: where its table has at most half as many rows as there are tokens, it
  // is the table that is multiplied by the weights of the layer (autograd/engine/run/lookups.h).
  // Each direction calls it, so random numbers in it are drawn once for each.
  template <class Inputs, class First = std::identity>
  auto operator()(const Inputs& x, const RecurrentCall<CellState>& call = {},
                  const First& first = {}) const {
    using Taken = std::remove_cvref_t<std::invoke_result_t<const First&, const Inputs&>>;
    if constexpr (recurrent_internal::takes<C, Inputs>() && recurrent_internal::takes<C, Taken>()) {
      check(x, call, first);
      return options_.batch_first ? run_batch_first(x, call, first) : run(x, call, first);
    }
  }

  State initial(Index batch) const {
    State states;
    for (const C& cell : cells_) states.push_back(cell.initial(batch));
    return states;
  }

  // One time step through all layers, x [batch, input]: {State, Outputs}.
  template <class Inputs>
  requires StepsOn<const C, Inputs>
  auto step(const Inputs& x, const State& states) const {
    require(!options_.bidirectional,
            "recurrent: a step runs forward in time; this one runs both ways");
    require<ShapeError>(states.size() == cells_.size(), "recurrent: {} states for {} layers",
                        states.size(), cells_.size());
    recurrent_internal::check_input(tensors_of(x), options_, true);
    State next;
    Inputs in = x;
    using Outputs = decltype(recurrent_internal::step(cells_[0], in, states[0]).second);
    std::optional<Outputs> outputs;
    for (std::size_t layer = 0; layer < cells_.size(); layer++) {
      const NoteSuffix suffix(recurrent_internal::suffix(static_cast<Index>(layer), false));
      if (layer > 0) {
        const Tensor below = between(first_tensor(*outputs));
        in = recurrent_internal::with_first(in, stage(below));
      }
      auto result = recurrent_internal::step_of_layer(cells_[layer], static_cast<Index>(layer),
                                                      options_, in, states[layer]);
      next.push_back(std::move(result.first));
      outputs = std::move(result.second);
      if (layer + 1 < cells_.size()) {
        recurrent_internal::check_outputs(first_tensor(*outputs), 1, static_cast<Index>(layer),
                                          options_);
      }
      if (layer > 0 && options_.residual) outputs = plus_input(*outputs, first_tensor(in), 0);
    }
    return std::pair(std::move(next), std::move(*outputs));
  }

  // This recurrence one step at a time (stream.h), for x of [batch, input]. The blocks of its `run`
  // are [time, batch, ...], also where the layer is batch_first. It reads these weights at every
  // step: the Recurrent must outlive it, and stay where it is. Of tokens that an embedding looks
  // up, the step is a lambda: stream([&](const Tensor& tokens, const auto& state) { return
  // encoder.step(embed(tokens), state); }, tokens, encoder.initial(batch)).
  auto stream(Index batch) const& {
    const Dtype dtype = first_tensor(initial(1)).dtype();
    return stream(zeros({batch, options_.input}, dtype));
  }

  // The same for inputs of one step like these, [batch, ...]: what the cell takes, tokens maybe, or
  // a struct of tensors.
  template <class Inputs>
  requires kIsTree<Inputs>
  auto stream(const Inputs& example) const& {
    if constexpr (recurrent_internal::takes<C, Inputs>()) {
      recurrent_internal::check_input(tensors_of(example), options_, true);
      const auto one_step = [this](const Inputs& x, const State& state) {
        return recurrent_internal::checked(step(x, state), x, state, options_);
      };
      return rw::stream(one_step, example, initial(first_tensor(example).dim(0)));
    }
  }
  template <class Any>
  void stream(const Any&) const&& = delete;  // of a Recurrent that ends with the statement

  // What the engine makes of each layer and direction, for so many rows of x (autograd/explain.h).
  // Weights have the names that `members` gives them.
  std::string explain(Index batch) const {
    return explain(zeros({batch, options_.input}, first_tensor(initial(1)).dtype()));
  }

  // The same for inputs of one step like these, [batch, ...]: tokens, or a struct of tensors.
  template <class Inputs>
  requires kIsTree<Inputs>
  auto explain(const Inputs& example) const {
    std::string text;
    if constexpr (recurrent_internal::takes<C, Inputs>()) {
      recurrent_internal::check_input(tensors_of(example), options_, true);
      Inputs in = map_tensors(example, [](const Tensor& x) { return unsqueeze(x, 0); });
      for (Index layer = 0; layer < options_.layers; layer++) {
        if (layer > 0) text += "\n";
        in = recurrent_internal::with_first(in, explain_layer(layer, in, text));
      }
    }
    return text;
  }

  static void members(auto& self, auto&& visit) {
    std::size_t i = 0;
    for (auto& cell : self.cells_) {
      const auto layer = static_cast<Index>(i) / self.directions();
      const std::string suffix =
          recurrent_internal::suffix(layer, static_cast<Index>(i) % self.directions() == 1);
      for_each_member(cell,
                      [&](const std::string& path, auto& leaf) { visit(path + suffix, leaf); });
      i++;
    }
  }

 private:
  Index directions() const { return options_.bidirectional ? 2 : 1; }

  Tensor between(const Tensor& outputs) const { return dropout(outputs, options_.dropout); }

  template <class Outputs>
  Outputs plus_input(const Outputs& outputs, const Tensor& x, Index first) const {
    return recurrent_internal::with_first(
        outputs, recurrent_internal::add_residual(first_tensor(outputs), x, first));
  }

  template <class Inputs, class First>
  void check(const Inputs& x, const RecurrentCall<CellState>& call, const First& first) const {
    require(!(call.reverse && options_.bidirectional),
            "recurrent: reverse is for one direction; this one runs both");
    require<ShapeError>(call.initial.empty() || call.initial.size() == cells_.size(),
                        "recurrent: {} initial states, {} layers x {} directions want {}",
                        call.initial.size(), options_.layers, directions(), cells_.size());
    if constexpr (std::is_same_v<First, std::identity>) {
      recurrent_internal::check_input(tensors_of(x), options_, false);
    }
    if constexpr (std::is_same_v<First, Embedding> && std::is_same_v<Inputs, Tensor>) {
      first.check(x, call.lengths, options_.batch_first);
    }
  }

  template <class Inputs, class First>
  auto run_batch_first(const Inputs& x, RecurrentCall<CellState> call, const First& first) const {
    using namespace recurrent_internal;
    check_reset(call.reset, first_tensor(x).dim(0), first_tensor(x).dim(1));
    if (call.reset.defined()) call.reset = transpose(call.reset, 0, 1);
    auto result = run(swap_time_and_batch(x), call, first);
    result.outputs = swap_time_and_batch(result.outputs);
    if (call.states) result.states = swap_time_and_batch(result.states);
    return result;
  }

  template <class Inputs, class First>
  auto run(const Inputs& x, const RecurrentCall<CellState>& call, const First& first) const {
    using Pass = decltype(pass(0, x, call, first));
    using Outputs = decltype(Pass::outputs);
    RecurrentResult<CellState, Outputs> result;
    Inputs in = x;
    for (Index layer = 0; layer < options_.layers; layer++) {
      if (layer > 0) in = recurrent_internal::with_first(in, between(first_tensor(result.outputs)));
      std::vector<Outputs> outputs;
      for (Index d = 0; d < directions(); d++) {
        const Index index = layer * directions() + d;
        Pass one = layer == 0 ? pass(index, in, call, first) : pass(index, in, call);
        if (layer + 1 < options_.layers) {
          recurrent_internal::check_outputs(first_tensor(one.outputs), 2, layer, options_);
        }
        if (layer > 0 && options_.residual) {
          one.outputs = plus_input(one.outputs, first_tensor(in), d * options_.hidden);
        }
        outputs.push_back(std::move(one.outputs));
        result.final.push_back(std::move(one.final));
        if (call.states) result.states.push_back(std::move(one.states));
      }
      result.outputs = joined(outputs);
      if (layer + 1 < options_.layers) continue;
      for (Index d = 0; d < directions(); d++) {
        Outputs& y = outputs[static_cast<std::size_t>(d)];
        y = map_tensors(std::move(y), [&](const Tensor& v) {
          return recurrent_internal::at_last_step(v, call.lengths, call.reverse || d == 1);
        });
      }
      result.last = joined(outputs);
    }
    return result;
  }

  // Adds to the text what there is to say of one layer; gives its first outputs.
  template <class Inputs>
  Tensor explain_layer(Index layer, const Inputs& in, std::string& text) const {
    std::map<std::string, Tensor> names;
    if constexpr (Module<C>) names = named_tensors(*this);
    std::vector<decltype(pass(0, in, {}).outputs)> outputs;
    for (Index d = 0; d < directions(); d++) {
      const auto run = [&] { outputs.push_back(pass(layer * directions() + d, in, {}).outputs); };
      text += (d == 0 ? "" : "\n") + recurrent_internal::title(layer, d == 1) + "\n";
      text += rw::explain(run, names);
    }
    return first_tensor(joined(outputs));
  }

  // One layer in one direction.
  template <class Inputs, class First = std::identity>
  auto pass(Index index, const Inputs& x, const RecurrentCall<CellState>& call,
            const First& first = {}) const {
    const auto i = static_cast<std::size_t>(index);
    const C& cell = cells_[i];
    const bool backward = index % directions() == 1;
    const NoteSuffix suffix(recurrent_internal::suffix(index / directions(), backward));
    const CellState fresh = cell.initial(first_tensor(x).dim(1));
    if (!call.initial.empty()) {
      scan_internal::require_like_state("recurrent", "the initial state", tensors_of(fresh),
                                        tensors_of(call.initial[i]));
    }
    const auto step = [&](const auto& in, const CellState& s) {
      using namespace recurrent_internal;
      const auto& taken = first(in);
      if constexpr (!std::is_same_v<First, std::identity>) {
        check_first(tensors_of(taken), options_);
      }
      return checked(step_of_layer(cell, index / directions(), options_, taken, s), in, s,
                     options_);
    };
    return scan(step, x, call.initial.empty() ? fresh : call.initial[i],
                {.lengths = call.lengths,
                 .reset = call.reset,
                 .fresh = fresh,
                 .reverse = call.reverse || backward,
                 .states = call.states,
                 .segments = call.segments});
  }

  // The outputs of both directions side by side.
  template <class Outputs>
  static Outputs joined(const std::vector<Outputs>& outputs) {
    if (outputs.size() == 1) return outputs[0];
    return zip_tensors(outputs[0], outputs[1], [](const Tensor& a, const Tensor& b) {
      return concat({a, b});
    });
  }

  RecurrentOptions options_;
  std::vector<C> cells_;  // layer 0, layer 0 reversed, layer 1, ...
};

template <class Make>
Recurrent(Make, const RecurrentOptions&) -> Recurrent<std::invoke_result_t<Make&, Index>>;

}  // namespace nn
}  // namespace rw
