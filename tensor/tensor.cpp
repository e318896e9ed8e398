#include "rewind/tensor/tensor.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "rewind/tensor/interpreter.h"
#include "rewind/tensor/strided.h"

namespace rw {
namespace {

// The header of each kind of block. Numbers start at a multiple of 64 bytes.
struct ViewBody : Body {
  using Body::Body;
  Strides strides;
};
struct ForeignBody : ViewBody {
  using ViewBody::ViewBody;
  std::function<void()> release;
};

constexpr std::size_t kHeader = 128;
static_assert(sizeof(Body) <= kHeader, "the numbers would overlap the header");

template <class Kind>
Kind* make_body(const Spec& spec, Index size, std::size_t bytes) {
  const memory::Block block = memory::allocate(bytes);
  return new (block.data) Kind(spec, size, block.size_class);
}

std::size_t bytes_needed(const Spec& spec, Index size) {
  Index bytes = 0;
  require<ShapeError>(
      !__builtin_mul_overflow(size, bytes_of(spec.dtype), &bytes) && bytes < (Index{1} << 47),
      "shape: {} needs more memory than can be addressed", spec);
  return static_cast<std::size_t>(bytes);
}

bool lies_row_after_row(const ViewBody& body) {
  if (body.size == 0) return true;
  const Dims& shape = body.spec.shape;
  Index step = 1;
  for (int i = shape.rank(); i-- > 0;) {
    if (shape[i] != 1 && body.strides[static_cast<std::size_t>(i)] != step) return false;
    step *= shape[i];
  }
  return true;
}

}  // namespace

Tensor Tensor::uninitialized(const Spec& spec) {
  const Index size = spec.shape.count();
  Body* body = make_body<Body>(spec, size, kHeader + bytes_needed(spec, size));
  body->data = reinterpret_cast<std::byte*>(body) + kHeader;
  return Tensor(body);
}

Tensor Tensor::shape_only(const Spec& spec) {
  return Tensor(make_body<Body>(spec, spec.shape.count(), sizeof(Body)));
}

Tensor Tensor::foreign(const void* data, const Spec& spec, const Strides& strides,
                       std::function<void()> release) {
  auto* body = make_body<ForeignBody>(spec, spec.shape.count(), sizeof(ForeignBody));
  body->kind = Body::Kind::foreign;
  body->strides = strides;
  body->contiguous = lies_row_after_row(*body);
  // A body never hands out its numbers for writing unless it owns them (`writable` copies).
  body->data = static_cast<std::byte*>(const_cast<void*>(data));
  body->release = std::move(release);
  return Tensor(body);
}

Tensor Tensor::view(const Dims& shape, const Strides& strides, Index offset) const {
  const Body& from = body();
  auto* made = make_body<ViewBody>({shape, from.spec.dtype}, shape.count(), sizeof(ViewBody));
  made->kind = Body::Kind::view;
  made->strides = strides;
  made->contiguous = lies_row_after_row(*made);
  made->data = from.data ? from.data + offset * bytes_of(from.spec.dtype) : nullptr;
  made->owner = from.kind == Body::Kind::view ? from.owner : body_;
  made->owner->references.fetch_add(1, std::memory_order_relaxed);
  return Tensor(made);
}

Strides Tensor::strides() const {
  const Body& b = body();
  return b.kind == Body::Kind::owner ? contiguous_strides(b.spec.shape)
                                     : static_cast<const ViewBody&>(b).strides;
}

double Tensor::item() const {
  require<ShapeError>(size() == 1, "item: wants a tensor with one element, got {}", spec());
  const void* const number = readable("item", dtype());
  return dispatch_any(dtype(), [&](auto v) {
    return static_cast<double>(*static_cast<const decltype(v)*>(number));
  });
}

bool Tensor::unique() const {
  const Body& b = body();
  if (b.references.load(std::memory_order_acquire) != 1) return false;
  return b.kind == Body::Kind::owner;
}

bool Tensor::alone() const {
  const Body& b = body();
  if (b.references.load(std::memory_order_acquire) != 1) return false;
  return !b.owner || b.owner->references.load(std::memory_order_acquire) == 1;
}

bool Tensor::alone(std::span<const Tensor* const> handles) {
  const auto once = [](const Tensor& x) {
    return x.body().references.load(std::memory_order_acquire) == 1;
  };
  const Body* const owner = handles[0]->body().owner;
  const bool of_one = std::all_of(handles.begin(), handles.end(), [&](const Tensor* x) {
    return once(*x) && x->body().owner == owner;
  });
  if (!of_one) return false;
  const auto held = static_cast<std::int32_t>(handles.size());
  return owner ? owner->references.load(std::memory_order_acquire) == held : held == 1;
}

bool Tensor::shares_storage_with(const Tensor& other) const {
  auto storage = [](const Body& b) { return b.owner ? b.owner : &b; };
  return storage(body()) == storage(other.body());
}

void Tensor::undefined() {
  throw ValueError("tensor: this handle holds no tensor (default-constructed or moved from)");
}

void Tensor::destroy(Body* body) noexcept {
  if (body->owner) drop(body->owner);
  if (body->kind == Body::Kind::foreign) {
    auto& release = static_cast<ForeignBody*>(body)->release;
    if (release) release();
    release.~function();
  }
  memory::release({body, body->size_class});
}

const void* Tensor::readable(const char* op, Dtype dtype) const {
  const Body& b = body();
  require<DtypeError>(b.spec.dtype == dtype, "{}: the tensor is {}, not {}", op, b.spec, dtype);
  require(
      b.data != nullptr,
      "{}: only the shape of this {} is known; values of a traced step cannot be read, in it or "
      "after it: return them, look at them with note, or use loop(...) or PlainLoops",
      op, b.spec);
  return b.data;
}

void* Tensor::writable(Dtype dtype) {
  readable("mutable_span", dtype);
  require<GradientError>(
      !Interpreter::any_holds(mark_),
      "mutable_span: a live tape recorded this {}, and the write would be lost to its "
      "gradients; use x.set(region, value), or write to a value made under Pause",
      spec());
  if (!unique()) {
    Tensor copy = uninitialized(spec());
    copy_elements(*this, copy);
    swap(copy);
  }
  mark_ = 0;
  return body_->data;
}

}  // namespace rw
