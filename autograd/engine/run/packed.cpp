#include "rewind/autograd/engine/run/packed.h"

#include <algorithm>
#include <list>
#include <mutex>

#include "rewind/tensor/kernels/packed_product.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

using SharedRecipe = std::shared_ptr<const Recipe>;

// One handle for all sources that share their numbers, views of one weight for instance: so that it
// shows when nobody else has any.
using Numbers = std::shared_ptr<const Tensor>;

// Numbers, seen in one way.
struct Source {
  Numbers numbers;
  const std::byte* place;
  Spec spec;
  Strides strides;

  // The same place is not enough: memory of a caller may by now hold other numbers.
  bool is(const Tensor& x) const {
    return place == OutputAccess::bytes(x) && numbers->shares_storage_with(x) && spec == x.spec() &&
           strides == x.strides();
  }
};

struct Form {
  SharedRecipe recipe;  // null: the source itself
  std::vector<Source> sources;
  Tensor packed;

  bool is_of(const SharedRecipe& other, const std::vector<Tensor>& tensors) const;
  // Nobody but the cache holds the numbers of one of its sources: it cannot be asked for again.
  bool is_lost() const {
    return std::any_of(sources.begin(), sources.end(),
                       [](const Source& w) { return w.numbers->alone(); });
  }
  Index bytes() const { return packed.size() * bytes_of(packed.dtype()); }
};

struct FormCache {
  static constexpr std::size_t kMost = 1024;
  static constexpr Index kMostBytes = Index{1} << 30;
  std::mutex mutex;
  std::list<Form> forms;  // the last made first
  Index bytes = 0;        // of all forms

  void take_out(std::list<Form>::iterator form, std::list<Form>& gone) {
    bytes -= form->bytes();
    gone.splice(gone.begin(), forms, form);
  }
  void take_out_lost(std::list<Form>& gone) {
    for (auto form = forms.begin(); form != forms.end();) {
      const auto next = std::next(form);
      if (form->is_lost()) take_out(form, gone);
      form = next;
    }
  }
};

// Lives for ever: streams of static lifetime, and threads that nobody waits for, may ask late.
FormCache& cache() {
  static FormCache& cache = *new FormCache;
  return cache;
}

bool Form::is_of(const SharedRecipe& other, const std::vector<Tensor>& tensors) const {
  const auto is_source = [](const Source& w, const Tensor& x) { return w.is(x); };
  if (!std::equal(sources.begin(), sources.end(), tensors.begin(), tensors.end(), is_source)) {
    return false;
  }
  return recipe == other || (recipe && other && *recipe == *other);
}

Tensor found_in(const std::list<Form>& forms, const SharedRecipe& recipe,
                const std::vector<Tensor>& sources) {
  for (const Form& form : forms) {
    if (form.is_of(recipe, sources)) return form.packed;
  }
  return {};
}

Tensor recall(const SharedRecipe& recipe, const std::vector<Tensor>& sources) {
  FormCache& known = cache();
  std::list<Form> gone;  // ends after the lock
  const std::scoped_lock lock(known.mutex);
  known.take_out_lost(gone);
  return found_in(known.forms, recipe, sources);
}

// The handle by which forms hold the numbers of w; null: none of them does.
Numbers held_in(const std::list<Form>& forms, const Tensor& w) {
  for (const Form& form : forms) {
    for (const Source& source : form.sources) {
      if (source.numbers->shares_storage_with(w)) return source.numbers;
    }
  }
  return nullptr;
}

// Gives the form that is remembered: another thread's, where that was faster.
Tensor remember(const SharedRecipe& recipe, const std::vector<Tensor>& sources,
                const Tensor& packed) {
  FormCache& known = cache();
  std::list<Form> gone;  // ends after the lock
  const std::scoped_lock lock(known.mutex);
  known.take_out_lost(gone);
  if (Tensor there = found_in(known.forms, recipe, sources); there.defined()) return there;
  std::list<Form> made;
  Form& form = made.emplace_front(Form{recipe, {}, packed});
  for (const Tensor& w : sources) {
    Numbers numbers = held_in(made, w);
    if (!numbers) numbers = held_in(known.forms, w);
    if (!numbers) numbers = std::make_shared<const Tensor>(w);
    form.sources.push_back({std::move(numbers), OutputAccess::bytes(w), w.spec(), w.strides()});
  }
  known.bytes += form.bytes();
  known.forms.splice(known.forms.begin(), made);
  while (known.forms.size() > FormCache::kMost ||
         (known.bytes > FormCache::kMostBytes && known.forms.size() > 1)) {
    known.take_out(--known.forms.end(), gone);
  }
  return packed;
}

Tensor packed_now(const Tensor& w) {
  return dispatch_float("packed", w.dtype(), [&](auto v) {
    using T = decltype(v);
    const Index k = w.dim(0), n = w.dim(1);
    Tensor result = Tensor::uninitialized({{kernels::packed_size<T>(k, n)}, w.dtype()});
    const Strides strides = w.strides();
    kernels::pack(w.data<T>(), strides[0], strides[1], k, n, output_data<T>(result));
    return result;
  });
}

// A grain for which the number of pieces, if there are several, is a multiple of the workers'.
Index as_many_for_each_worker(Index rows, Index grain) {
  const Index pieces = count_of_parts(rows, grain), workers = thread_count();
  return pieces <= 1 ? grain : count_of_parts(rows, count_of_parts(pieces, workers) * workers);
}

template <class T>
void by_rows(const kernels::PackedProduct<T>& all, Index grain) {
  parallel_for(all.rows, grain, [&](Index begin, Index end) {
    kernels::PackedProduct<T> part = all;
    part.rows = end - begin;
    part.a += begin * all.a_stride;
    part.c += begin * all.c_stride;
    kernels::multiply(part);
  });
}

template <class T>
void by_columns(const kernels::PackedProduct<T>& all) {
  const Index each = count_of_parts(all.end_panel, thread_count());
  parallel_for(all.end_panel, each, [&](Index begin, Index end) {
    kernels::PackedProduct<T> part = all;
    part.first_panel = begin;
    part.end_panel = end;
    kernels::multiply(part);
  });
}

}  // namespace

std::size_t remembered_forms() {
  const std::scoped_lock lock(cache().mutex);
  return cache().forms.size();
}

Tensor packed_form(const SharedRecipe& recipe, const std::vector<Tensor>& sources) {
  Tensor form = recall(recipe, sources);
  if (form.defined()) return form;
  return remember(recipe, sources, packed_now(recipe ? recipe->made_of(sources) : sources[0]));
}

Tensor packed_form(const Tensor& w) { return packed_form(nullptr, {w}); }

Tensor times_packed(const Tensor& a, const Tensor& form, Index n) {
  Tensor result = Tensor::uninitialized({a.shape().with(a.rank() - 1, n), a.dtype()});
  const Index k = a.shape().back(), rows = a.shape().without(a.rank() - 1).count();
  Tensor y = result.view({rows, n}, {n, 1}, 0);
  multiply_packed(a.rank() == 2 ? a : reshape(a, {rows, k}), form, y);
  return result;
}

void multiply_packed(const Tensor& a, const Tensor& form, Tensor& y, const Tensor& row) {
  const Tensor left = a.strides()[1] == 1 ? a : contiguous(a);
  const Tensor added = row.defined() ? contiguous(row) : row;
  const Index rows = left.dim(0), k = left.dim(1), n = y.dim(1);
  dispatch_float("packed", a.dtype(), [&](auto v) {
    using T = decltype(v);
    const kernels::PackedProduct<T> all{.rows = rows,
                                        .n = n,
                                        .k = k,
                                        .a = left.data<T>(),
                                        .a_stride = left.strides()[0],
                                        .packed = form.data<T>(),
                                        .c = output_data<T>(y),
                                        .c_stride = n,
                                        .row = added.defined() ? added.data<T>() : nullptr};
    constexpr Index kWork = 1 << 20;  // multiply-adds for which waking a worker pays
    // Every piece passes over the whole form: of a large one larger pieces.
    const Index least = form.size() > 1 << 20 ? 192 : 48;
    const Index threads = thread_count();
    if (rows < least * threads && rows * k * n >= kWork * threads) return by_columns(all);
    by_rows(all, as_many_for_each_worker(
                     rows, std::max(least, kWork / std::max<Index>(k * n, 1) / 48 * 48)));
  });
}

}  // namespace rw::engine
