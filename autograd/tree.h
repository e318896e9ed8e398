// Trees of tensors: a Tensor, a plain struct of trees, or a vector of them. What the states, inputs
// and outputs of a recurrence are. Nothing is declared for them; their fields are found.
#pragma once

#include <span>
#include <vector>

#include "rewind/tensor/fields.h"
#include "rewind/tensor/tensor.h"

namespace rw {

template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;

// Whether a type can be one, as far as it shows without its fields.
template <class T>
inline constexpr bool kIsTree =
    std::is_base_of_v<Tensor, std::remove_const_t<T>> || kIsVector<std::remove_const_t<T>> ||
    std::is_aggregate_v<T> || std::is_empty_v<T>;

// Calls f(tensor) for every tensor of the tree, in order of declaration.
template <class Tree, class F>
void for_each_tensor(Tree& tree, F&& f) {
  if constexpr (std::is_base_of_v<Tensor, std::remove_const_t<Tree>>) {
    f(tree);
  } else if constexpr (kIsVector<std::remove_const_t<Tree>>) {
    for (auto& element : tree) for_each_tensor(element, f);
  } else if constexpr (kIsTree<Tree>) {
    for_each_field(tree, [&](auto& field) { for_each_tensor(field, f); });
  } else {
    static_assert(kIsTree<Tree>,
                  "a state, input or output is a Tensor, a vector of them, or a plain struct of "
                  "these without constructors; this, or a field of it, is none");
  }
}

template <class Tree>
std::vector<Tensor> tensors_of(const Tree& tree) {
  std::vector<Tensor> all;
  for_each_tensor(tree, [&](const Tensor& x) { all.push_back(x); });
  return all;
}

// The tree of f(tensor) for every tensor, of the same structure.
template <class Tree, class F>
Tree map_tensors(Tree tree, F&& f) {
  for_each_tensor(tree, [&](Tensor& x) { x = f(x); });
  return tree;
}

// The tree with these tensors, of the same structure: as many as it has, in order.
template <class Tree>
Tree with_tensors(const Tree& like, std::span<const Tensor> tensors) {
  auto next = tensors.begin();
  return map_tensors(like, [&](const Tensor&) { return *next++; });
}

// The tree of f(a's tensor, b's tensor). Throws ShapeError when b has another number of tensors.
template <class Tree, class F>
Tree zip_tensors(Tree a, const Tree& b, F&& f) {
  const std::vector<Tensor> others = tensors_of(b);
  const std::size_t count = tensors_of(a).size();
  require<ShapeError>(count == others.size(),
                      "tree: {} tensors beside {}; a vector differs in length", count,
                      others.size());
  std::size_t i = 0;
  for_each_tensor(a, [&](Tensor& x) { x = f(x, others[i++]); });
  return a;
}

// The first tensor of a tree: the output of a state, unless its cell says otherwise.
inline const Tensor& first_tensor(const Tensor& tree) { return tree; }
template <class Tree>
const Tensor& first_tensor(const Tree& tree) {
  const Tensor* first = nullptr;
  for_each_tensor(tree, [&](const Tensor& x) {
    if (!first) first = &x;
  });
  require<ShapeError>(first != nullptr, "tree: a state, input or output that holds no tensor");
  return *first;
}

}  // namespace rw
