// What is done with the members of a model: listed for an optimizer or a file, counted, converted,
// replaced.
//
// A model is a value. Copying one makes independent parameters; two that were tied to each other
// are then two of their own, until `retie` says otherwise.
#pragma once

#include <map>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "rewind/nn/members.h"
#include "rewind/tensor/convert.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

// Makes `path` the parameter's name, unless its name is that path as seen from further outside:
// "weight" does not replace "head.weight".
void name_by_path(Parameter& parameter, const std::string& path);

// Ties to all parameters of a model, for an optimizer; one that is tied to itself elsewhere comes
// once. Unless the model is const they learn their paths as names, for the messages of others.
// Where two would then have one name, all of them get their paths: a copy of a parameter brings the
// name along. (A copy of this vector holds copies: hand it on by std::move.)
template <class M>
std::vector<Parameter> parameters(M& model);

struct NamedParameter {
  std::string name;  // its first path in the model
  Parameter parameter;
};

// The same with their paths. Throws ValueError when two of them have one path.
template <class M>
std::vector<NamedParameter> named_parameters(M& model);

// What a file holds of a model: the value of every parameter (once, under its first path) and every
// buffer. Throws ValueError when two of them have one path.
template <class M>
std::map<std::string, Tensor> named_tensors(const M& model);

// The number of numbers that training changes or could change: of all parameters, each once.
template <class M>
Index count(const M& model) {
  Index sum = 0;
  for (const Parameter& parameter : parameters(model)) sum += parameter.value().size();
  return sum;
}

// Converts the parameters, and the buffers that are float32 or float64, in place. Ties and
// identities stay: an optimizer made before still holds them, but its own state has the old dtype.
template <class M>
void to(M& model, Dtype dtype);

// A copy of the model in which parameter p is f(p), or f(p, path): a tensor that may have been
// computed under a tape, whose gradient then goes on to what it was computed from. A step of
// meta-learning, and two of them:
//
//   const auto step = [&](const Model& from) {
//     const Gradients g = tape.backward(loss(from), {.record = true});
//     return nn::map_parameters(
//         from, [&](const Parameter& p) { return tape.watch(p - rate * g[p]); });
//   };
//   Gradients outer = tape.backward(loss(step(step(model))));   // by the parameters of `model`
//
// (The next step asks for gradients of what this one computed, so it is watched.) It also makes of
// a model the function of its weights that gradcheck takes: README.md has the lines. Ties stay
// ties, frozen parameters stay frozen. The model must be copyable.
template <class M, class F>
M map_parameters(const M& model, F&& f);

// Ties the parameters of a copy to each other as those of the original are. Throws ValueError when
// the two do not have as many.
template <class M>
void retie(M& copy, const M& original);

namespace parameters_internal {

[[noreturn]] void throw_same_path(const std::string& path);
void name_by_paths(std::span<NamedParameter> all);
void require_float(Dtype dtype);
void require_same_places(std::size_t copied, std::size_t original);

// Each parameter of the model once, named unless the model is const.
template <class M>
std::vector<NamedParameter> at_first_paths(M& model) {
  std::vector<NamedParameter> all;
  std::unordered_set<std::uint64_t> seen;
  for_each_parameter(model, [&](const std::string& path, auto& parameter) {
    if (seen.insert(parameter.id()).second) all.push_back({path, parameter.tie()});
  });
  if constexpr (!std::is_const_v<M>) name_by_paths(all);
  return all;
}

// Every parameter of the model at each of its places.
template <class M>
std::vector<const Parameter*> places(const M& model) {
  std::vector<const Parameter*> all;
  for_each_parameter(model,
                     [&](const std::string&, const Parameter& place) { all.push_back(&place); });
  return all;
}

}  // namespace parameters_internal

template <class M>
std::vector<Parameter> parameters(M& model) {
  std::vector<Parameter> all;
  for (NamedParameter& p : parameters_internal::at_first_paths(model)) {
    all.push_back(std::move(p.parameter));
  }
  return all;
}

template <class M>
std::vector<NamedParameter> named_parameters(M& model) {
  std::unordered_set<std::string> paths;
  for_each_parameter(model, [&](const std::string& path, auto&) {
    if (!paths.insert(path).second) parameters_internal::throw_same_path(path);
  });
  return parameters_internal::at_first_paths(model);
}

template <class M>
std::map<std::string, Tensor> named_tensors(const M& model) {
  std::map<std::string, Tensor> all;
  const auto add = [&](const std::string& path, const Tensor& value) {
    if (!all.emplace(path, value).second) parameters_internal::throw_same_path(path);
  };
  for (const NamedParameter& p : named_parameters(model)) add(p.name, p.parameter.value());
  for_each_buffer(model, add);
  return all;
}

template <class M>
void to(M& model, Dtype dtype) {
  parameters_internal::require_float(dtype);
  for_each_member(model, [&]<class T>(const std::string&, T& member) {
    if constexpr (std::same_as<T, Parameter>) {
      member.value() = rw::to(member.value(), dtype);
    } else {
      if (is_float(member.dtype())) member = rw::to(member, dtype);
    }
  });
}

template <class M, class F>
M map_parameters(const M& model, F&& f) {
  static_assert(std::copy_constructible<M>,
                "map_parameters: the model must be copyable (a std::unique_ptr in it is not)");
  const std::vector<const Parameter*> originals = parameters_internal::places(model);
  M mapped(model);
  std::size_t position = 0;
  std::unordered_map<std::uint64_t, const Parameter*> done;
  for_each_parameter(mapped, [&](const std::string& path, Parameter& place) {
    const Parameter& original = *originals[position++];
    const Parameter*& first = done[original.id()];
    if (first) {
      place = first->tie();
      return;
    }
    if constexpr (std::invocable<F&, const Parameter&, const std::string&>) {
      place = Parameter(f(original, path), original.name());
    } else {
      place = Parameter(f(original), original.name());
    }
    if (original.frozen()) place.freeze();
    first = &place;
  });
  return mapped;
}

template <class M>
void retie(M& copy, const M& original) {
  const std::vector<const Parameter*> originals = parameters_internal::places(original);
  parameters_internal::require_same_places(parameters_internal::places(copy).size(),
                                           originals.size());
  std::size_t position = 0;
  std::unordered_map<std::uint64_t, const Parameter*> done;
  for_each_parameter(copy, [&](const std::string&, Parameter& place) {
    const Parameter*& first = done[originals[position++]->id()];
    if (first) {
      place = first->tie();
    } else {
      first = &place;
    }
  });
}

}  // namespace nn
}  // namespace rw
