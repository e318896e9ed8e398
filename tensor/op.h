// How an operation is written, and how it is applied.
//
// An operation is a struct with a name, its attributes as plain fields, a shape rule and a kernel:
//
//   struct Softplus {
//     static constexpr std::string_view name = "softplus";
//     Spec infer(const Spec& x) const { return x; }               // throws what a caller got wrong
//     void run(const Tensor& x, Tensor& y) const;                 // fills y, which has that spec
//   };
//   Tensor softplus(const Tensor& x) { return apply(Softplus{}, x); }
//
// Other kinds:
//   a view            `Tensor view(const Tensor& x) const` instead of infer and run; must also
//                     work on tensors of which only the shape is known.
//   many inputs       `Spec infer(Specs in) const`, `void run(Inputs in, Tensor& y) const`.
//   several outputs   infer returns std::array<Spec, N>, run takes std::span<Tensor, N> last.
//   a source          no inputs. (A constant made outside `apply` would look captured to a tracer.)
//   an updating one   `static constexpr bool updates = true`: the output starts as the first input,
//                     in its storage when that is a temporary, and run changes it.
//   element-wise      `static constexpr bool elementwise = true`: the output may take the storage
//                     of a temporary input of the same spec, so run must read element i before it
//                     writes element i.
//   broadcasting      `static constexpr bool broadcasts = true`: inputs may be smaller than the
//                     output, by the rule of `broadcast`.
//   row by row        `static constexpr bool rowwise = true`: all inputs and outputs have the same
//                     first axis, and entry i of an output depends on the entries i of the inputs
//                     alone, whatever the others are and however many.
//
// Several threads may run one of these three at once, each on some entries: it changes nothing but
// its outputs.
#pragma once

#include <array>
#include <concepts>
#include <cstring>
#include <memory>
#include <vector>

#include "rewind/tensor/fields.h"
#include "rewind/tensor/interpreter.h"
#include "rewind/tensor/strided.h"

namespace [[gnu::visibility("default")]] rw {

// The inputs of an operation that takes any number of them.
class Inputs {
 public:
  explicit Inputs(std::span<const Tensor* const> inputs) : inputs_(inputs) {}
  int size() const { return static_cast<int>(inputs_.size()); }
  const Tensor& operator[](int i) const { return *inputs_[static_cast<std::size_t>(i)]; }

 private:
  std::span<const Tensor* const> inputs_;
};

class Specs {
 public:
  explicit Specs(std::span<const Tensor* const> inputs) : inputs_(inputs) {}
  int size() const { return static_cast<int>(inputs_.size()); }
  const Spec& operator[](int i) const { return inputs_[static_cast<std::size_t>(i)]->spec(); }

 private:
  std::span<const Tensor* const> inputs_;
};

// The signature of an operation's shape rule.
template <class Member>
struct RuleSignature;
template <class R, class Op, class... Args>
struct RuleSignature<R (Op::*)(Args...) const> {
  using Result = R;
  static constexpr int inputs = sizeof...(Args);
  static constexpr bool variadic = (std::is_same_v<Args, Specs> || ...);
};

template <class Op>
concept Viewing = requires {
  &Op::view;
};

template <class Op>
constexpr auto shape_rule() {
  if constexpr (Viewing<Op>) {
    return &Op::view;
  } else {
    return &Op::infer;
  }
}

template <class Op>
using OpSignature = RuleSignature<decltype(shape_rule<Op>())>;

template <class Result>
inline constexpr int kCountOf = 1;
template <std::size_t N>
inline constexpr int kCountOf<std::array<Spec, N>> = static_cast<int>(N);

template <class Op>
inline constexpr int kOutputs = kCountOf<typename OpSignature<Op>::Result>;
template <class Op>
inline constexpr bool kVariadic = OpSignature<Op>::variadic;

template <class Op>
concept Elementwise = requires {
  requires Op::elementwise;
};
template <class Op>
concept Broadcasting = requires {
  requires Op::broadcasts;
};
template <class Op>
concept Rowwise = requires {
  requires Op::rowwise;
};
template <class Op>
concept Updating = requires {
  requires Op::updates;
};

// The functions of OpType for one operation, each taking it as an untyped pointer.
template <class Op>
struct Erased {
  using InputSpan = std::span<const Tensor* const>;
  static constexpr int kInputs = OpSignature<Op>::inputs;

  static const Op& typed(const void* op) { return *static_cast<const Op*>(op); }

  template <class F>
  static decltype(auto) with_inputs(InputSpan inputs, F&& f) {
    return [&]<std::size_t... I>(std::index_sequence<I...>)->decltype(auto) {
      return f(*inputs[I]...);
    }
    (std::make_index_sequence<static_cast<std::size_t>(kInputs)>{});
  }

  static auto specs(const Op& op, InputSpan inputs) {
    if constexpr (kVariadic<Op>) {
      return op.infer(Specs(inputs));
    } else {
      return with_inputs(inputs, [&](const auto&... x) { return op.infer(x.spec()...); });
    }
  }

  static void infer(const void* erased, InputSpan inputs, std::span<Tensor> outputs) {
    const Op& op = typed(erased);
    if constexpr (Viewing<Op>) {
      outputs[0] = with_inputs(inputs, [&](const auto&... x) { return op.view(x...); });
    } else if constexpr (kOutputs<Op> == 1) {
      outputs[0] = Tensor::shape_only(specs(op, inputs));
    } else {
      const auto made = specs(op, inputs);
      for (std::size_t i = 0; i < made.size(); i++) outputs[i] = Tensor::shape_only(made[i]);
    }
  }

  static Tensor output_for(const Spec& spec, InputSpan inputs, std::uint64_t donated) {
    if constexpr (Updating<Op>) {
      if ((donated & 1) && inputs[0]->unique()) return unmarked(*inputs[0]);
      Tensor output = Tensor::uninitialized(spec);
      copy_elements(*inputs[0], output);
      return output;
    }
    if constexpr (Elementwise<Op>) {
      for (std::size_t i = 0; i < inputs.size() && donated >> i; i++) {
        if ((donated >> i & 1) && inputs[i]->unique() && inputs[i]->spec() == spec) {
          return unmarked(*inputs[i]);
        }
      }
    }
    return Tensor::uninitialized(spec);
  }

  static Tensor unmarked(Tensor x) {
    x.set_mark(0);
    return x;
  }

  static void execute(const void* erased, InputSpan inputs, std::span<Tensor> outputs,
                      std::uint64_t donated) {
    const Op& op = typed(erased);
    if constexpr (Viewing<Op>) {
      infer(erased, inputs, outputs);
    } else if constexpr (kOutputs<Op> == 1) {
      outputs[0] = output_for(specs(op, inputs), inputs, donated);
      run(op, inputs, outputs[0]);
    } else {
      const auto made = specs(op, inputs);
      for (std::size_t i = 0; i < made.size(); i++) outputs[i] = Tensor::uninitialized(made[i]);
      run(op, inputs, std::span<Tensor, kOutputs<Op>>(outputs.data(), outputs.size()));
    }
  }

  static void fill(const void* erased, InputSpan inputs, std::span<Tensor> outputs) {
    const Op& op = typed(erased);
    if constexpr (Viewing<Op>) {
      copy_elements(with_inputs(inputs, [&](const auto&... x) { return op.view(x...); }),
                    outputs[0]);
    } else if constexpr (kOutputs<Op> == 1) {
      if constexpr (Updating<Op>) copy_elements(*inputs[0], outputs[0]);
      run(op, inputs, outputs[0]);
    } else {
      run(op, inputs, std::span<Tensor, kOutputs<Op>>(outputs.data(), outputs.size()));
    }
  }

  template <class Out>
  static void run(const Op& op, InputSpan inputs, Out&& out) {
    if constexpr (kVariadic<Op>) {
      op.run(Inputs(inputs), out);
    } else {
      with_inputs(inputs, [&](const auto&... x) { op.run(x..., out); });
    }
  }

  static void copy(void* to, const void* from) {
    static_assert(alignof(Op) <= 8, "a tape keeps attributes at multiples of 8 bytes");
    new (to) Op(typed(from));
  }
  static void destroy(void* op) { std::destroy_at(static_cast<Op*>(op)); }

  static bool equal(const void* op, const void* other) {
    return equal_fields(typed(op), typed(other));
  }

  static std::string attributes(const void* op) {
    std::string text;
    for_each_field(typed(op), [&](const auto& value) {
      if (!text.empty()) text += ", ";
      if constexpr (fmt::is_formattable<std::remove_cvref_t<decltype(value)>>::value) {
        text += fmt::format("{}", value);
      } else {
        text += "...";
      }
    });
    return text;
  }
};

template <class Rules>
void describe_erased(void (*describe)(Rules), void* rules) {
  describe(Rules(rules));
}

template <class Op>
constexpr auto describe_function() {
  using Function = void (*)(void*);
  if constexpr (requires { &Op::derivative; }) {
    return Function([](void* rules) { describe_erased(&Op::derivative, rules); });
  } else {
    return Function(nullptr);
  }
}

// The one OpType of an operation in this process.
template <class Op>
inline constinit const OpType op_type{Op::name,
                                      std::is_empty_v<Op> ? 0 : sizeof(Op),
                                      {Elementwise<Op>, Broadcasting<Op>, Rowwise<Op>},
                                      Erased<Op>::execute,
                                      Erased<Op>::infer,
                                      Erased<Op>::fill,
                                      Erased<Op>::copy,
                                      Erased<Op>::destroy,
                                      Erased<Op>::equal,
                                      Erased<Op>::attributes,
                                      describe_function<Op>()};

[[noreturn]] void undefined_input(std::string_view op, std::size_t position);

inline void require_defined(std::string_view op, std::span<const Tensor* const> inputs) {
  for (std::size_t i = 0; i < inputs.size(); i++) {
    if (!inputs[i]->defined()) [[unlikely]]
      undefined_input(op, i);
  }
}

// Applies an operation to its inputs. Inputs given as rvalues may be overwritten. Returns a Tensor,
// or std::array<Tensor, N> for N outputs.
template <class Op, class... T>
requires(!kVariadic<Op>) auto apply(const Op& op, T&&... inputs) {
  static_assert(sizeof...(T) == static_cast<std::size_t>(OpSignature<Op>::inputs),
                "apply: the number of inputs is not that of the operation's shape rule");
  const std::array<const Tensor*, sizeof...(T)> pointers{&inputs...};
  require_defined(Op::name, pointers);
  std::uint64_t donated = 0, bit = 1;
  ((donated |= std::is_same_v<T, Tensor> ? bit : 0, bit <<= 1), ...);
  std::array<Tensor, kOutputs<Op>> outputs;
  Call call{op_type<Op>, &op, pointers, outputs, donated};
  Interpreter::dispatch(call);
  if constexpr (kOutputs<Op> == 1) {
    return std::move(outputs[0]);
  } else {
    return outputs;
  }
}

template <class Op>
requires kVariadic<Op> Tensor apply(const Op& op, std::span<const Tensor> inputs) {
  std::vector<const Tensor*> pointers;
  pointers.reserve(inputs.size());
  for (const Tensor& x : inputs) pointers.push_back(&x);
  require_defined(Op::name, pointers);
  Tensor output;
  Call call{op_type<Op>, &op, pointers, {&output, 1}};
  Interpreter::dispatch(call);
  return output;
}

}  // namespace rw
