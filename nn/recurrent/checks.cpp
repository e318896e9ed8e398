#include "rewind/nn/recurrent/checks.h"

namespace rw::nn::recurrent_internal {

void check(const RecurrentOptions& options) {
  require(options.input > 0,
          "recurrent: .input is {}; the number of features of x, 1 or more, has to be given",
          options.input);
  require(options.hidden > 0,
          "recurrent: .hidden is {}; the number of features of an output, 1 or more, has to be "
          "given",
          options.hidden);
  require(options.layers > 0, "recurrent: .layers is {}; there are 1 or more", options.layers);
  require(options.dropout >= 0 && options.dropout <= 1,
          "recurrent: dropout is a probability in [0, 1], got {}", options.dropout);
}

namespace {

// " of layer 1", where there are others.
std::string of_layer(Index layer, const RecurrentOptions& options) {
  return options.layers == 1 ? "" : fmt::format(" of layer {}", layer);
}

}  // namespace

void check_first(const std::vector<Tensor>& x, const RecurrentOptions& options) {
  if (x.empty() || !is_float(x[0].dtype()) || x[0].rank() != 2) return;
  require<ShapeError>(x[0].dim(1) == options.input,
                      "recurrent: what `first` makes of a step's x is {}, .input is {}; it gives "
                      "the features that the layer takes",
                      x[0].spec(), options.input);
}

void check_outputs(const Tensor& y, int leading, Index layer, const RecurrentOptions& options) {
  if (!is_float(y.dtype()) || y.rank() != leading + 1) return;
  require<ShapeError>(y.dim(leading) == options.hidden,
                      "recurrent: outputs of layer {} are {}, of {} features, and .hidden is {}; "
                      "the layer above takes that many of each direction",
                      layer, y.spec(), y.dim(leading), options.hidden);
}

void check_dtype(const Tensor& x, const Tensor& state, Index layer,
                 const RecurrentOptions& options) {
  if (!is_float(x.dtype()) || !is_float(state.dtype())) return;
  require<DtypeError>(x.dtype() == state.dtype(),
                      "recurrent: x{} is {} at each step, and its states are {}; convert x with "
                      "to(x, {}), or the model with nn::to",
                      of_layer(layer, options), x.spec(), state.dtype(), state.dtype());
}

void check_floats(const Error& error, const Tensor& x, Index layer,
                  const RecurrentOptions& options) {
  require<DtypeError>(
      is_float(x.dtype()),
      "recurrent: x{} is {} at each step, which the cell's step does not take "
      "({}); look tokens up first: encoder(embed(tokens)), or encoder(tokens, {{}}, "
      "embed)",
      of_layer(layer, options), x.spec(), error.what());
}

std::string said_of_step(const Error& error, const Tensor& x, const std::vector<Tensor>& state,
                         Index layer, const RecurrentOptions& options) {
  std::string states;
  for (const Tensor& s : state) states += (states.empty() ? "" : ", ") + to_string(s.spec());
  return fmt::format(
      "{} (in the cell's step, where x{} is {} and a state {}, as given or made by initial())",
      error.what(), of_layer(layer, options), x.spec(), states);
}

void check_reset(const Tensor& reset, Index batch, Index time) {
  if (!reset.defined()) return;
  require<ShapeError>(reset.shape() == Dims{batch, time},
                      "recurrent: reset is {}, not bool [batch, time] = [{}, {}]", reset.spec(),
                      batch, time);
}

void check_state(const std::vector<Tensor>& before, const std::vector<Tensor>& after) {
  scan_internal::require_defined("recurrent", "the state that the cell's step returns", after);
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); i++) {
    require<ShapeError>(after[i].spec() == before[i].spec(),
                        "recurrent: tensor {} of the state that the cell's step returns is {}, and "
                        "{} as the step takes it; a state keeps its shape and dtype",
                        i, after[i].spec(), before[i].spec());
  }
}

void check_axes(const std::vector<Tensor>& outputs, Index batch, const RecurrentOptions& options) {
  scan_internal::require_defined("recurrent", "the outputs of the cell's step", outputs);
  const int least = options.bidirectional ? 2 : 1;
  for (std::size_t i = 0; i < outputs.size(); i++) {
    const Tensor& y = outputs[i];
    require<ShapeError>(y.rank() >= least && y.dim(0) == batch,
                        "recurrent: tensor {} of the outputs of the cell's step is {}, not {} with "
                        "batch {}; give it these axes, with expand or unsqueeze, say",
                        i, y.spec(),
                        options.bidirectional ? "[batch, ..., features]" : "[batch, ...]", batch);
  }
}

void check_input(const std::vector<Tensor>& all, const RecurrentOptions& options,
                 bool single_step) {
  require<ShapeError>(!all.empty(), "recurrent: the input is a struct without tensors");
  scan_internal::require_defined("recurrent", "the input", all);
  const Tensor& x = all[0];
  const int features = single_step ? 1 : 2;  // their axis
  const bool any = !is_float(x.dtype()) || x.rank() > features + 1;
  const bool fits =
      any ? x.rank() >= features : x.rank() == features + 1 && x.dim(features) == options.input;
  require<ShapeError>(fits || !single_step, "recurrent: x of a step is [batch, {}], got {}",
                      options.input, x.spec());
  require<ShapeError>(fits || x.rank() != features + 1,
                      "recurrent: x is [{}, {}], got {}, of {} features; .input says how many",
                      options.batch_first ? "batch, time" : "time, batch", options.input, x.spec(),
                      x.rank() > 0 ? x.dim(-1) : 0);
  require<ShapeError>(fits, "recurrent: x is [{}, {}], got {}; a sequence of one row is [{}, {}]",
                      options.batch_first ? "batch, time" : "time, batch", options.input, x.spec(),
                      options.batch_first ? "1, time" : "time, 1", options.input);
}

}  // namespace rw::nn::recurrent_internal
