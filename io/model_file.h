// A model's weights in a file, under the names that its members have (nn/members.h): what PyTorch
// calls a state_dict, and with the same names for the layers that it has too.
#pragma once

#include <functional>

#include "rewind/io/safetensors.h"
#include "rewind/nn/parameters.h"

namespace [[gnu::visibility("default")]] rw {

struct LoadOptions {
  // Whether a name that only the model has, or only the file, is an error. They are reported
  // anyway.
  bool strict = true;
  // From a name in the file to the name in the model; an empty result leaves the tensor out.
  std::function<std::string(const std::string& name)> rename = {};
};

struct LoadReport {
  std::vector<std::string> missing;     // names of the model for which the file has nothing
  std::vector<std::string> unexpected;  // names, as renamed, that the model does not have
};

// One name of a model, and the tensor that stands there. Names that are tied share the tensor.
struct NamedSlot {
  std::string name;
  Tensor* value;
};

// Puts tensors where their names say. Everything is compared first: when this throws, nothing has
// changed. FileError lists all that is wrong at once: missing and unexpected names (if `.strict`),
// shapes and dtypes that differ from the model's (always), and tied names with unequal numbers. Of
// tied names one must be there. `source` names the file. Names that begin with "checkpoint/" belong
// to checkpoints and are passed over.
LoadReport assign_tensors(const std::vector<NamedSlot>& slots,
                          const std::map<std::string, Tensor>& tensors, const LoadOptions& options,
                          const std::string& source);

template <class M>
std::vector<NamedSlot> slots_of(M& model) {
  std::vector<NamedSlot> slots;
  nn::for_each_member(model, [&]<class T>(const std::string& path, T& member) {
    if constexpr (std::same_as<T, Parameter>) {
      slots.push_back({path, &member.value()});
    } else {
      slots.push_back({path, &member});
    }
  });
  return slots;
}

// Every parameter (a tied one once) and buffer; all or nothing, as save_tensors.
template <class M>
void save_model(const std::string& path, const M& model,
                std::map<std::string, std::string> metadata = {}) {
  save_tensors(path, {nn::named_tensors(model), std::move(metadata)});
}

// Reads what `save_model`, a checkpoint or another program wrote. See assign_tensors.
template <class M>
LoadReport load_model(const std::string& path, M& model, const LoadOptions& options = {}) {
  return assign_tensors(slots_of(model), load_tensors(path).tensors, options, path);
}

}  // namespace rw
