// A text with marks in it (entities with their types; an answer with its probability), the types with their counts, and
// what was found as a list. What comes in is plain words, put in as text: nothing of it is read as markup. Vue changes in
// place what differs, so nothing flickers. A mark without a label is but a shade; with `follow` the text scrolls to the
// first mark that has one.
export default {
  props: { types: Array, pieces: Array, rows: Array, says: Object, follow: Boolean },
  mounted() {
    this.scroll();
  },
  watch: {
    pieces: { handler: "scroll", flush: "post" },
  },
  methods: {
    scroll() {
      const area = this.$refs.area;
      const mark = this.follow && area.querySelector(".tg-said");
      if (mark) area.scrollTop = mark.parentElement.offsetTop - area.offsetTop - area.clientHeight / 3;
    },
  },
  // White space counts within tg-marked: there, tags are broken instead of lines.
  template: `
    <div class="tg-tagged">
      <ul class="tg-types" v-if="types.length" :aria-label="says.types">
        <li v-for="type in types" :key="type.label" :class="{ 'tg-none': !type.count }">
          <bdi :class="['tg-type', 'tg-hue-' + type.hue]">{{ type.label }}</bdi>
          <span class="tg-count">{{ type.count }}</span>
        </li>
      </ul>
      <div class="tg-marked" ref="area" dir="auto" tabindex="0" role="group" :aria-label="says.text"
        ><template v-for="piece in pieces"
          ><mark v-if="piece.label" :class="['tg-mark', 'tg-hue-' + piece.hue]" :title="piece.percent"
            >{{ piece.text }}<span class="tg-said">&nbsp;<bdi class="tg-type">{{ piece.label }}</bdi></span></mark
          ><span v-else-if="piece.percent" :class="['tg-other', 'tg-hue-' + piece.hue]" :title="piece.percent"
            >{{ piece.text }}</span
          ><template v-else>{{ piece.text }}</template></template
      ></div>
      <ol class="tg-bars" v-if="rows.length" :aria-label="says.list">
        <li v-for="row in rows" class="tg-bar">
          <div class="tg-bar-head">
            <span class="tg-label" dir="auto">{{ row.text }}</span>
            <bdi v-if="row.label" :class="['tg-type', 'tg-hue-' + row.hue]">{{ row.label }}</bdi>
            <span class="tg-number">{{ row.percent }}</span>
          </div>
          <div class="tg-track" aria-hidden="true">
            <div :class="['tg-fill', 'tg-hue-' + row.hue]" :style="{ width: row.percent }"></div>
          </div>
        </li>
      </ol>
    </div>
  `,
};
