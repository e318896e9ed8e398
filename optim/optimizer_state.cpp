// Saving and restoring of what an optimizer knows.
#include <set>

#include "rewind/optim/held_inl.h"

namespace rw::optim {
namespace {

template <class T>
Tensor scalar_of(T value) {
  Tensor x = Tensor::uninitialized({{}, dtype_of<T>()});
  x.mutable_span<T>()[0] = value;
  return x;
}

// Takes tensors out of a state by name, and knows what nobody asked for.
class Reader {
 public:
  Reader(std::string_view kind, const State& state) : kind_(kind), state_(state) {
    for (const auto& [name, tensor] : state) left_.insert(name);
  }

  bool has(const std::string& name) const { return state_.contains(name); }

  Tensor take(const std::string& name, const Spec& spec) {
    const auto found = state_.find(name);
    require(found != state_.end(),
            "{}: load_state: '{}' is missing; is this the state of another "
            "model or optimizer?",
            kind_, name);
    const Tensor& x = found->second;
    require<ShapeError>(x.shape() == spec.shape, "{}: load_state: '{}' is {}, but {} is needed",
                        kind_, name, x.spec(), spec);
    require<DtypeError>(x.dtype() == spec.dtype, "{}: load_state: '{}' is {}, but {} is needed",
                        kind_, name, x.spec(), spec);
    left_.erase(name);
    return x;
  }

  Index take_count(const std::string& name) {
    const Index count = take(name, {{}, int64}).span<Index>()[0];
    require(count >= 0, "{}: load_state: '{}' is {}; it must be zero or more", kind_, name, count);
    return count;
  }

  void finish() const {
    require(left_.empty(),
            "{}: load_state: '{}' belongs to nothing here, nor do {} others; is this "
            "the state of another model or optimizer?",
            kind_, left_.empty() ? "" : *left_.begin(), left_.size() - 1);
  }

 private:
  std::string_view kind_;
  const State& state_;
  std::set<std::string> left_;
};

}  // namespace

std::vector<std::string> Optimizer::names() const {
  std::vector<std::string> all;
  std::set<std::string_view> seen;
  for (const Held& held : held_) {
    const std::string& name = held.parameter->name();
    require(!name.empty(), "{}: a parameter {} has no name; its state cannot be saved under one",
            kind_, held.parameter->spec());
    require(seen.insert(name).second,
            "{}: two parameters are named '{}'; their state cannot be told apart", kind_, name);
    all.push_back(name);
  }
  return all;
}

State Optimizer::state() const {
  State state;
  state[kind_ + ".learning_rate"] = scalar_of(learning_rate_);
  state[kind_ + ".steps"] = scalar_of(steps_);
  state[kind_ + ".skipped"] = scalar_of(skipped_);
  const std::vector<std::string> names_of = names();
  for (std::size_t i = 0; i < held_.size(); i++) {
    const Held& held = held_[i];
    state[kind_ + ".steps." + names_of[i]] = scalar_of(held.steps);
    for (std::size_t k = 0; k < held.moments.size(); k++) {
      state[kind_ + "." + moment_names_[k] + "." + names_of[i]] = held.moments[k];
    }
  }
  return state;
}

void Optimizer::load_state(const State& state) {
  struct Loaded {
    Index steps;
    std::vector<Tensor> moments;
  };
  Reader reader(kind_, state);
  const double rate = reader.take(kind_ + ".learning_rate", {{}, float64}).item();
  const Index steps = reader.take_count(kind_ + ".steps");
  const Index skipped = reader.take_count(kind_ + ".skipped");
  std::vector<Loaded> loaded;
  const std::vector<std::string> names_of = names();
  for (std::size_t i = 0; i < held_.size(); i++) {
    loaded.push_back({reader.take_count(kind_ + ".steps." + names_of[i]), {}});
    if (loaded[i].steps == 0) continue;
    for (const std::string& moment : moment_names_) {
      loaded[i].moments.push_back(
          reader.take(kind_ + "." + moment + "." + names_of[i], held_[i].parameter->spec()));
      loaded[i].moments.back().set_mark(0);
    }
  }
  reader.finish();

  set_learning_rate(rate);
  steps_ = steps;
  skipped_ = skipped;
  for (std::size_t i = 0; i < held_.size(); i++) {
    held_[i].steps = loaded[i].steps;
    held_[i].moments = std::move(loaded[i].moments);
  }
}

}  // namespace rw::optim
