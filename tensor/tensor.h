// A tensor is a value: a shape, a dtype, and numbers that nobody can change behind your back.
//
// Copying a handle shares the numbers until somebody writes (copy-on-write); a slice is a view with
// strides. A handle is 16 bytes: the body, and a mark in which an interpreter (a tape) may say
// where the value stands. A copy keeps the mark, a view gets its own, and this floor never
// interprets it.
//
// Threads: different handles may be used freely by different threads, also when they share a body.
// One handle follows the rule of every C++ value: many readers or one writer.
#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <utility>

#include "rewind/tensor/memory.h"
#include "rewind/tensor/spec.h"

namespace [[gnu::visibility("default")]] rw {

using Strides = std::array<Index, kMaxRank>;

// What handles share. Numbers lie behind the body in the same block, in another body (a view), or
// in memory of the caller (from_blob).
struct Body {
  Body(const Spec& s, Index elements, std::uint16_t block)
      : size_class(block), size(elements), spec(s) {}

  std::atomic<std::int32_t> references{1};
  std::uint16_t size_class;
  bool contiguous = true;
  enum class Kind : std::uint8_t { owner, view, foreign } kind = Kind::owner;
  Index size;                 // number of elements
  std::byte* data = nullptr;  // the first element; null when only the shape is known
  Body* owner = nullptr;      // of a view: whose numbers these are
  Spec spec;
};

class Region;   // regions.h
struct Scalar;  // arithmetic.h

class Tensor {
 public:
  Tensor() = default;
  Tensor(const Tensor& other) noexcept : body_(other.body_), mark_(other.mark_) {
    if (body_) body_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Tensor(Tensor&& other) noexcept
      : body_(std::exchange(other.body_, nullptr)), mark_(std::exchange(other.mark_, 0)) {}
  // Assignment to a temporary would do nothing (`x[t] = y`; write `x.set(t, y)`): it does not
  // compile.
  Tensor& operator=(const Tensor& other) & noexcept {
    Tensor(other).swap(*this);
    return *this;
  }
  Tensor& operator=(Tensor&& other) & noexcept {
    Tensor(std::move(other)).swap(*this);
    return *this;
  }
  ~Tensor() {
    if (body_) drop(body_);
  }
  void swap(Tensor& other) noexcept {
    std::swap(body_, other.body_);
    std::swap(mark_, other.mark_);
  }

  // Numbers not yet written: every element must be, before anyone reads. For kernels; others want
  // `zeros` (creation.h).
  static Tensor uninitialized(const Spec& spec);

  // A tensor of which only shape and dtype are known. Reading a number of it throws ValueError.
  static Tensor shape_only(const Spec& spec);

  // Numbers that the caller owns, element (i, j, ...) at data + i * strides[0] + j * strides[1]
  // ...; `release` is called when the last handle is gone. Nobody may change them while handles
  // live; a write through a handle copies first.
  static Tensor foreign(const void* data, const Spec& spec, const Strides& strides,
                        std::function<void()> release);

  // The same numbers under another shape, strides (in elements) and start (in elements from the
  // first one). The caller guarantees that all of it lies inside. Works on shape-only tensors.
  Tensor view(const Dims& shape, const Strides& strides, Index offset) const;

  bool defined() const { return body_ != nullptr; }
  const Spec& spec() const { return body().spec; }
  const Dims& shape() const { return body().spec.shape; }
  Dtype dtype() const { return body().spec.dtype; }
  int rank() const { return shape().rank(); }
  // The size along an axis; negative axes count from the end.
  Index dim(Index axis) const { return shape()[axis_of("dim", axis, rank())]; }
  Index size() const { return body().size; }
  bool contiguous() const { return body().contiguous; }
  bool has_data() const { return body().data != nullptr; }
  // The same for copies of one handle, until one of them is written to, and for no other tensor
  // that is alive: what a tracer knows a value by, whatever marks others set.
  const void* identity() const { return body_; }
  Strides strides() const;

  // The numbers, read only: `data` points at the first element and strides tell the rest, `span`
  // needs a contiguous tensor (make one with `contiguous(x)`). Throws DtypeError when T is not the
  // tensor's type, ValueError when only the shape is known.
  template <class T>
  const T* data() const {
    return static_cast<const T*>(readable("data", dtype_of<T>()));
  }
  template <class T>
  std::span<const T> span() const {
    require<ShapeError>(contiguous(), "span: {} is a strided view; use contiguous(x)", spec());
    return {static_cast<const T*>(readable("span", dtype_of<T>())),
            static_cast<std::size_t>(size())};
  }

  // The numbers, to be written until the tensor is used again: contiguous and of this handle alone
  // (copied first when shared). Throws GradientError when this handle stands on a live tape of
  // this thread, watched or computed there: the write would be lost to gradients.
  template <class T>
  std::span<T> mutable_span() & {
    return {static_cast<T*>(writable(dtype_of<T>())), static_cast<std::size_t>(size())};
  }

  // The value of a tensor with one element, converted to double.
  double item() const;

  // x[t]: entry t along the first axis, as a view of one axis less (an operation, recorded by
  // tapes).
  Tensor operator[](Index position) const;

  // Replaces part of x, in place when nobody else sees it: x.set(t, y), x.set({kAll, 0}, 1.5). An
  // operation, recorded by tapes: this handle becomes its result. See regions.h.
  void set(const Region& region, const Tensor& value) &;
  void set(const Region& region, Scalar value) &;

  // Whether nobody else could see a write: no other handle, and no view of these numbers.
  bool unique() const;
  // Whether nobody else holds these numbers: as `unique`, but also for a view.
  bool alone() const;
  // The same of several handles together, which share their numbers: nobody holds these but they.
  static bool alone(std::span<const Tensor* const> handles);
  bool shares_storage_with(const Tensor& other) const;

  // For interpreters. Zero means none.
  std::uint64_t mark() const { return mark_; }
  void set_mark(std::uint64_t mark) { mark_ = mark; }

 private:
  friend struct OutputAccess;
  explicit Tensor(Body* body) : body_(body) {}
  const Body& body() const {
    if (!body_) [[unlikely]]
      undefined();
    return *body_;
  }
  [[noreturn]] static void undefined();
  static void drop(Body* body) noexcept {
    // A last handle needs no locked instruction: nobody is left to race with.
    if (body->references.load(std::memory_order_acquire) == 1 ||
        body->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      destroy(body);
    }
  }
  static void destroy(Body* body) noexcept;
  const void* readable(const char* op, Dtype dtype) const;
  void* writable(Dtype dtype);

  Body* body_ = nullptr;
  std::uint64_t mark_ = 0;
};

// For kernels: where to write the numbers of an output that was made for this call, and where those
// of any tensor begin. Unchecked.
struct OutputAccess {
  static std::byte* bytes(Tensor& output) { return output.body_->data; }
  static const std::byte* bytes(const Tensor& x) { return x.body_->data; }
};

template <class T>
T* output_data(Tensor& output) {
  return reinterpret_cast<T*>(OutputAccess::bytes(output));
}

}  // namespace rw
