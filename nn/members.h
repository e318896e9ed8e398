// A module is a struct that lists what it is made of:
//
//   struct Tagger {
//     nn::Embedding embed;
//     nn::Linear head;
//     static void members(auto& self, auto&& visit) {
//       visit("embed", self.embed);
//       visit("head", self.head);
//     }
//   };
//
// That is all there is to learn: parameters for the optimizer, names in files, dtype, counting and
// printing walk this list. Visited are
//
//   a Parameter     trained, saved, converted
//   a Tensor        a buffer: saved and converted, not trained
//   a module        its members follow, under names like "head.weight"
//   a std::vector or std::array of these; elements are called 0, 1, ...
//   a std::optional or std::unique_ptr of these; it adds nothing to the name
//
// and nothing else: options and plain numbers are no members, visiting one does not compile. What
// holds nothing (an empty optional, a Parameter or Tensor never given a value) is passed over. An
// empty name adds nothing to the path. A struct inside a function cannot be a module: C++ allows no
// templates there.
#pragma once

#include <array>
#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "rewind/autograd/parameter.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {
namespace members_internal {

struct Probe {
  template <class T>
  void operator()(std::string_view, T&) const {}
};

template <class T>
inline constexpr bool kIsSequence = false;
template <class T, class A>
inline constexpr bool kIsSequence<std::vector<T, A>> = true;
template <class T, std::size_t N>
inline constexpr bool kIsSequence<std::array<T, N>> = true;

template <class T>
inline constexpr bool kIsHolder = false;
template <class T>
inline constexpr bool kIsHolder<std::optional<T>> = true;
template <class T, class D>
inline constexpr bool kIsHolder<std::unique_ptr<T, D>> = true;

}  // namespace members_internal

// A struct with `static void members(auto& self, auto&& visit)`.
template <class T>
concept Module = requires(T& self, members_internal::Probe& probe) {
  std::remove_const_t<T>::members(self, probe);
};

namespace members_internal {

template <class T>
constexpr bool is_member() {
  using Plain = std::remove_const_t<T>;
  if constexpr (kIsSequence<Plain>) {
    return is_member<typename Plain::value_type>();
  } else if constexpr (kIsHolder<Plain>) {
    return is_member<std::remove_reference_t<decltype(*std::declval<Plain&>())>>();
  } else {
    return std::same_as<Plain, Parameter> || std::same_as<Plain, Tensor> || Module<T>;
  }
}

template <class F>
class Walk {
 public:
  explicit Walk(F& f) : f_(f) {}

  template <class T>
  void operator()(std::string_view name, T& member) {
    static_assert(is_member<T>(),
                  "members: visit takes a Parameter, a Tensor, a struct with `static void "
                  "members(auto& self, auto&& visit)`, or a std::vector, std::array, std::optional "
                  "or std::unique_ptr of these; options and numbers are no members");
    if constexpr (is_member<T>()) {
      const std::size_t length = path_.size();
      if (!path_.empty() && !name.empty()) path_ += '.';
      path_ += name;
      enter(member);
      path_.resize(length);
    }
  }

  template <class T>
  void enter(T& member) {
    using Plain = std::remove_const_t<T>;
    if constexpr (std::same_as<Plain, Parameter> || std::same_as<Plain, Tensor>) {
      if (member.defined()) f_(std::as_const(path_), member);
    } else if constexpr (kIsSequence<Plain>) {
      for (std::size_t i = 0; i < member.size(); i++) (*this)(std::to_string(i), member[i]);
    } else if constexpr (kIsHolder<Plain>) {
      if (!member) return;
      if constexpr (std::is_const_v<T>) {
        enter(std::as_const(*member));
      } else {
        enter(*member);
      }
    } else {
      Plain::members(member, *this);
    }
  }

 private:
  F& f_;
  std::string path_;
};

}  // namespace members_internal

// Calls f(path, parameter) and f(path, tensor) for every Parameter and Tensor below `module`, in
// the order of the lists, with `const std::string& path`; const ones of a const module. A parameter
// that is tied is met at each of its places. A Parameter converts to Tensor, so f should take
// `auto&`, or be an overload set of both.
template <class M, class F>
void for_each_member(M& module, F&& f) {
  static_assert(members_internal::is_member<M>(),
                "for_each_member: takes a module, a struct with `static void members(auto& self, "
                "auto&& visit)`");
  if constexpr (members_internal::is_member<M>()) members_internal::Walk<F>(f).enter(module);
}

// The same for the parameters alone, and for the buffers.
template <class M, class F>
void for_each_parameter(M& module, F&& f) {
  for_each_member(module, [&]<class T>(const std::string& path, T& member) {
    if constexpr (std::same_as<std::remove_const_t<T>, Parameter>) f(path, member);
  });
}

template <class M, class F>
void for_each_buffer(M& module, F&& f) {
  for_each_member(module, [&]<class T>(const std::string& path, T& member) {
    if constexpr (std::same_as<std::remove_const_t<T>, Tensor>) f(path, member);
  });
}

}  // namespace nn
}  // namespace rw
