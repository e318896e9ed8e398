// All that a training run needs to go on as if it had never stopped, in one safetensors file.
//
//   save_checkpoint("run.safetensors", model,
//                   {.optimizers = {adam.state()}, .random = Random::state(),
//                    .position = {.epoch = 3, .batch = 120}, .carried = {{"h", h}}});
//   ...
//   const TrainingState state = load_checkpoint("run.safetensors", model);
//   adam.load_state(state.optimizers.at(0));
//   Random::set_state(state.random);
//
// The model's weights stand under their plain names, so a checkpoint is a model file too, for
// `load_model` and for other programs.
#pragma once

#include "rewind/data/shuffle.h"
#include "rewind/io/model_file.h"
#include "rewind/tensor/random.h"

namespace [[gnu::visibility("default")]] rw {

// Everything beside the model. A schedule is a function of the step that its optimizer counts, so
// it has no state of its own.
struct TrainingState {
  std::vector<std::map<std::string, Tensor>> optimizers = {};  // their state(), in a fixed order
  Rng random = Rng(0);
  DataPosition position = {};                  // where to go on
  std::map<std::string, Tensor> carried = {};  // states from window to window, averages, ...
  std::map<std::string, std::string> metadata = {};
};

// The file's content, for a model given as named tensors, and back; what is left in `file` are the
// tensors of the model. Throws FileError when the file is no checkpoint, or its description of
// itself is damaged.
TensorFile pack_checkpoint(std::map<std::string, Tensor> model, const TrainingState& state);
TrainingState unpack_checkpoint(TensorFile& file, const std::string& source);

// All or nothing, as save_tensors: a crash leaves the previous checkpoint.
template <class M>
void save_checkpoint(const std::string& path, const M& model, const TrainingState& state) {
  save_tensors(path, pack_checkpoint(nn::named_tensors(model), state));
}

// Every name of the model must be there, and no other. The model is changed only when all of the
// file is right.
template <class M>
TrainingState load_checkpoint(const std::string& path, M& model) {
  TensorFile file = load_tensors(path);
  TrainingState state = unpack_checkpoint(file, path);
  assign_tensors(slots_of(model), file.tensors, {}, path);
  return state;
}

}  // namespace rw
