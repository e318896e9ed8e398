// How a derivative is written: one function per argument of an operation, in ordinary tensor
// operations.
//
//   d.rule<Tanh>([](const Tensor& dy, Output y) { return dy * (1 - y * y); });
//   d.rule<Multiply>([](const Tensor& dy, Input<1> b) { return dy * b; },
//                    [](const Tensor& dy, Input<0> a) { return dy * a; });
//
// A rule takes dy, the gradient of the result, and returns dx, the gradient of its argument. What
// else it needs it says by the types of its parameters, and the tape keeps that and nothing more:
//
//   Input<I>              the I-th input
//   Output, OutputAt<I>   a result
//   Shape<I>, Shapes      only the spec of an input; the specs of all inputs
//   const Op&             the attributes
//   Dy<I>                 the gradient of the I-th of several results, undefined if it was not used
//   Into                  the gradient of this argument so far, to be added to and returned
//   Sink                  the gradients of all arguments, written by one joint rule
//
// Tensors that a rule takes by value (Input, Output) are temporaries of its own where nobody else
// holds their numbers, to be moved on to operations that work in place.
//
// In place of a function, `stop` declares that there is no derivative to have. Broadcasting is
// undone by the tape, for operations that declare it. Rules capture nothing.
//
// An operation from outside carries its rule as a member and needs no registry:
//
//   static void derivative(Rules<Softplus> d) {
//     d([](const Tensor& dy, Input<0> x) { return dy * sigmoid(x); });
//   }
#pragma once

#include "rewind/autograd/frame.h"

namespace [[gnu::visibility("default")]] rw {

template <int I>
struct Input : Tensor {};
template <int I>
struct OutputAt : Tensor {};
using Output = OutputAt<0>;
template <int I>
struct Dy : Tensor {};

template <int I>
struct Shape {
  const Spec& spec;
  operator const Spec&() const { return spec; }
  const Spec* operator->() const { return &spec; }
};

struct Shapes {
  const Spec* specs;
  const Spec& operator[](int i) const { return specs[i]; }
};

struct Into {
  Tensor sum;  // undefined when this is the first gradient to arrive
  const Spec& spec;
  // The gradient so far, zeros at first. Adding to the returned temporary works in place.
  Tensor take();
};

struct Sink {
  Frame& frame;
  int size() const { return static_cast<int>(frame.edges.size()); }
  // Whether anybody asks for the gradient of argument i.
  bool wanted(int i) const { return frame.wanted(i); }
  void set(int i, Tensor dx) { frame.joint[i] = std::move(dx); }
  // dy, to be changed in place where that is possible. In place of a parameter `dy`, and once.
  Tensor take_dy() {
    if (frame.spent) return std::move(*frame.spent);  // not `? :`, by which clang copies
    return frame.dy[0];
  }
};

// The gradient of a table of which only some rows were used: row indices[i] receives values[i].
struct Rows {
  Tensor indices, values;
};

inline constexpr struct Stop {
} stop;

namespace rules_internal {

// What a parameter of a rule makes the tape keep, and how it is read back.
template <class P, class Op>
struct Parameter;

template <class Op>
struct Parameter<Tensor, Op> {
  static_assert(kOutputs<Op> == 1, "an operation with several outputs has Dy<I>, not one dy");
  static constexpr Needs needs{};
  static const Tensor& get(Frame& f) { return f.dy[0]; }
};
template <int I, class Op>
struct Parameter<Dy<I>, Op> {
  static_assert(I < kOutputs<Op>, "the operation has fewer outputs");
  static constexpr Needs needs{};
  static Dy<I> get(Frame& f) { return {f.dy[I]}; }
};
template <int I, class Op>
struct Parameter<Input<I>, Op> {
  static_assert(I < OpSignature<Op>::inputs, "the operation has fewer inputs");
  static constexpr Needs needs{.inputs = 1u << I};
  static Input<I> get(Frame& f) { return {f.kept_input(I)}; }
};
template <int I, class Op>
struct Parameter<OutputAt<I>, Op> {
  static_assert(I < kOutputs<Op>, "the operation has fewer outputs");
  static constexpr Needs needs{.outputs = 1u << I};
  static OutputAt<I> get(Frame& f) { return {f.kept_output(I)}; }
};
template <int I, class Op>
struct Parameter<Shape<I>, Op> {
  static_assert(I < OpSignature<Op>::inputs, "the operation has fewer inputs");
  static constexpr Needs needs{.shapes = 1u << I};
  static Shape<I> get(Frame& f) { return {f.kept_shape(I)}; }
};
template <class Op>
struct Parameter<Shapes, Op> {
  static constexpr Needs needs{.shapes = Needs::kAllShapes};
  static Shapes get(Frame& f) { return {f.specs}; }
};
template <class Op>
struct Parameter<Op, Op> {
  static constexpr Needs needs{.attributes = !std::is_empty_v<Op>};
  static const Op& get(Frame& f) { return *static_cast<const Op*>(f.op); }
};
template <class Op>
struct Parameter<Into, Op> {
  static constexpr Needs needs{.own_shape = true};
  static Into get(Frame& f) { return {std::move(*f.into), f.kept_shape(f.argument)}; }
};
template <class Op>
struct Parameter<Sink, Op> {
  static constexpr Needs needs{};
  static Sink get(Frame& f) { return {f}; }
};

template <class F>
struct Signature : Signature<decltype(&F::operator())> {};
template <class R, class F, class... P>
struct Signature<R (F::*)(P...) const> {
  using Result = R;
  template <class Wanted>
  static constexpr bool takes = (std::is_same_v<std::remove_cvref_t<P>, Wanted> || ...);
  template <class Op>
  static constexpr Needs needs() {
    Needs all;
    (all.add(Parameter<std::remove_cvref_t<P>, Op>::needs), ...);
    return all;
  }
  template <class Op>
  static R call(Frame& f) {
    return F{}(Parameter<std::remove_cvref_t<P>, Op>::get(f)...);
  }
};

template <class F>
constexpr bool is_joint() {
  if constexpr (std::is_same_v<F, Stop>) {
    return false;
  } else {
    return Signature<F>::template takes<Sink>;
  }
}

}  // namespace rules_internal

// Where the rules of one operation are written.
template <class Op>
class Rules {
 public:
  explicit Rules(void* set) : set_(*static_cast<RuleSet*>(set)) {
    set_.broadcasts = Broadcasting<Op>;
  }

  // One rule per argument (a function or `stop`), or one joint rule with a Sink.
  template <class... F>
  Rules& operator()(F...) {
    static_assert((std::is_empty_v<F> && ...),
                  "a rule captures nothing; what it needs are parameters");
    constexpr bool joint = sizeof...(F) == 1 && (rules_internal::is_joint<F>() && ...);
    static_assert(joint || (!kVariadic<Op> && sizeof...(F) == OpSignature<Op>::inputs),
                  "one rule per argument, or one joint rule with a Sink");
    static_assert(!joint || !Broadcasting<Op>,
                  "broadcasting is undone for rules of single arguments, not for a joint one");
    static_assert(joint || sizeof...(F) <= RuleSet::kArguments,
                  "an operation with more inputs than that has one joint rule with a Sink");
    std::size_t argument = 0;
    (add<F>(argument++), ...);
    set_.missing = false;
    return *this;
  }

  // The same value as rule `Argument` in one pass, used when nobody records the rewind.
  template <int Argument = 0, class F>
  Rules& unrecorded(F) {
    static_assert(std::is_empty_v<F>, "a rule captures nothing; what it needs are parameters");
    static_assert(Argument < OpSignature<Op>::inputs && Argument < RuleSet::kArguments,
                  "the operation has fewer inputs");
    using S = rules_internal::Signature<F>;
    RuleSet::Argument& rule = set_.arguments[Argument];
    rule.unrecorded = &S::template call<Op>;
    rule.needs.add(S::template needs<Op>());
    return *this;
  }

 private:
  template <class F>
  void add(std::size_t argument) {
    if constexpr (std::is_same_v<F, Stop>) {
      set_.arguments[argument].stops = true;
    } else {
      using S = rules_internal::Signature<F>;
      if constexpr (rules_internal::is_joint<F>()) {
        set_.joint = &S::template call<Op>;
        set_.joint_needs = S::template needs<Op>();
      } else {
        RuleSet::Argument& rule = set_.arguments[argument];
        rule.needs = S::template needs<Op>();
        rule.into = S::template takes<Into>;
        if constexpr (std::is_same_v<typename S::Result, Rows>) {
          rule.needs.own_shape = true;
          rule.rows = [](Frame& f, Tensor* indices, Tensor* values) {
            Rows rows = S::template call<Op>(f);
            *indices = std::move(rows.indices);
            *values = std::move(rows.values);
          };
        } else {
          rule.call = &S::template call<Op>;
        }
      }
    }
  }

  RuleSet& set_;
};

// The table of the library's own derivatives: autograd/derivatives/*.cpp write into it.
class Derivatives {
 public:
  template <class Op, class... F>
  Rules<Op> rule(F... f) {
    Rules<Op> rules(&attach(op_type<Op>));
    rules(f...);
    return rules;
  }

 private:
  static RuleSet& attach(const OpType& type);
};

}  // namespace rw
