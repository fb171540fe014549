"""One-line templates, each about one thing. `m` is the second message, `a` the third."""

M = "{% set m = messages[1] %}{% set a = messages[2] %}"

EXPRESSIONS = """
m.content.upper()
m.content.lower()
m.content.title()
"they're bill's 3rd x-ray".title()
m.content.capitalize()
m.content.swapcase()
m.content.startswith('Hello')
m.content.startswith(('x', 'Hello'))
m.content.endswith('lan')
m.content.replace('l', 'L')
m.content.replace('l', 'L', 1)
m.content.split()
m.content.split(',')
m.content.split(', ')[1]
m.content.split(' ', 1)
m.content.split(None, 1)
m.content.split(maxsplit=1)
m.content.split(sep='l', maxsplit=2)
m.content.rsplit(' ', 1)
m.content.rsplit(None, 1)
m.content.rsplit('l')
a.content.split(',')
a.content.split(',', 0)
a.content.split(',', -1)
'  a  b '.split()
'  a  b '.split(' ')
'a\\nb\\r\\nc\\n'.splitlines()
'a\\nb\\r\\nc\\n'.splitlines(true)
'xxabcxx'.strip('x')
'xxabcxx'.lstrip('x')
'xxabcxx'.rstrip('x')
'abcba'.strip('ab')
' \\n\\ta\\x1c\\u00a0 '.strip()
'a.b.c'.partition('.')
'a.b.c'.rpartition('.')
'abc'.partition('.')
'prefix-x'.removeprefix('prefix-')
'x-suffix'.removesuffix('-suffix')
'abcabc'.find('c')
'abcabc'.rfind('c')
'éabc'.find('b')
'abc'.find('z')
'abc'.index('c')
'abc'.index('z')
'aXbX'.count('X')
'7'.zfill(3)
'-7'.zfill(4)
'ab'.ljust(5) ~ '|'
'ab'.rjust(5, '.') ~ '|'
'ab'.center(5, '*') ~ '|'
'abc'.center(6, '*') ~ '|'
'12'.isdigit()
'a1'.isalnum()
'ab'.isalpha()
'Ab'.islower()
'AB'.isupper()
'A1'.isupper()
' \\t'.isspace()
''.isspace()
'-'.join(['a', 'b'])
', '.join(a.list|map('string'))
'{} and {}'.format('x', 2)
'{0}{1}{0}'.format('a', 'b')
'{a}'.format(a=1)
'%s is %d and %.2f' % ('x', 3, 1.5)
'%s' % 'x'
'%5.1f|%-4s|%03d|%%' % (2.25, 'a', 7)
'a' * 3
'a' 'b'
'a' + 'b'
'a' ~ 1 ~ none ~ true ~ 1.5
1 ~ ''
[1, 2] + [3]
[1, 2] * 2
(1, 2)
(1,)
()
[]
{}
[1, 'a', none, true, 2.0, [3], {'k': 'v'}]
{'a': 1, 'b': [2]}
"it's"
["it's", 'say "x"', 'both \\' and "', 'back\\\\slash', 'new\\nline', 'é🙂', 'tab\\t', '\\x07']
none
true
false
True and none
none or 'x'
'' or 0
1 and 2
not 1
1.0
1e16
1e15
1.5e-7
0.1 + 0.2
100000000000000000000.0
3 / 2
4 / 2
7 // 2
-7 // 2
7 % 3
-7 % 3
7.5 % 2
2 ** 10
2 ** -1
2 ** 0.5
1 / 0
10 - 3 * 2
(1 + 2) * 3
-m.n
1 < 2 < 3
3 > 2 > 2
1 == 1.0
1 == true
'1' == 1
[1] == [1]
{'a': 1} == {'a': 1}
'a' < 'b'
1 < 'a'
none < 1
'a' in 'abc'
'z' not in 'abc'
2 in [1, 2]
'a' in {'a': 1}
'b' in messages[1]
1 in 'abc'
messages[-1].role
messages[99].role
messages[99]
messages[1:3]|length
messages[::-1][0].role
messages[-2:][0].role
'abcdef'[1:3]
'abcdef'[-2:]
'abcdef'[::-1]
'abcdef'[::2]
'abcdef'[10:]
'abcdef'[-1]
'éa'[0]
'abc'[5]
[1,2,3][:-1]
[1,2,3,4,5][4:1:-1]
m.missing
m['missing']
m.missing.deeper
m.missing['deeper']
missing
missing.x
missing + 'x'
missing ~ 'x'
missing == none
missing is none
missing|length
missing|trim
missing|upper
missing|list
missing|join(',')
missing|default('d')
missing|first
missing|string
missing|int
missing and 1
not missing
missing or 'x'
missing|tojson
missing()
missing in [1]
'a' in missing
1 in none
none.x
none['x']
m.nothing
m.nothing is defined
m.content is string
m.n is number
m.n is integer
m.x is float
m.flag is boolean
m.flag is number
m.flag is integer
a.map is mapping
a.list is sequence
a.list is iterable
a.map is iterable
'abc' is iterable
'abc' is sequence
5 is iterable
none is iterable
missing is iterable
missing is mapping
missing is string
none is none
none is defined
tools is defined
tools is not none
documents is defined
documents is none
nothing is undefined
1 is odd
2 is even
9 is divisibleby 3
9 is divisibleby(2)
1 is sameas 1
true is sameas true
none is sameas none
1 is eq 1
1 is equalto(1)
1 is ne 2
2 is gt 1
1 is lessthan 2
1 is in [1]
true is true
1 is true
false is false
'a' is lower
'A' is upper
raise_exception is callable
m is callable
'trim' is filter
'odd' is test
m.items is defined
m.content|trim
'xxaxx'|trim('x')
m.content|upper
m.content|lower
m.content|capitalize
m.content|title
"they're x-ray (bold) élan"|title
m.content|length
m.content|count
m.content|replace('Hello', 'Bye')
'aaa'|replace('a', 'b', 2)
m.content|wordcount
m.content|first
m.content|last
m.content|reverse
m.content|list
a.list|first
a.list|last
a.list|sort
a.list|sort(reverse=true)
['b', 'A', 'c']|sort
['b', 'A', 'c']|sort(case_sensitive=true)
a.list|reverse|list
a.list|sum
a.list|min
a.list|max
a.list|join
a.list|join('-')
[1, none, true]|join(' ')
messages|map(attribute='role')|join(',')
messages|map(attribute='missing', default='?')|join(',')
messages|selectattr('role', 'equalto', 'user')|list|length
messages|selectattr('role', '==', 'user')|map(attribute='role')|list
messages|selectattr('nothing', 'defined')|list|length
messages|rejectattr('role', 'equalto', 'user')|map(attribute='role')|first
messages|selectattr('n')|list|length
[1,2,3,4]|select('odd')|list
[1,2,3,4]|reject('odd')|list
['a', 'B']|map('upper')|list
['a', 'b']|map('replace', 'a', 'x')|list
[1,1,2]|unique|list
['a','A']|unique|list
[1,2,3,4,5]|batch(2)|list
[1,2,3,4,5]|batch(2, 0)|list
[1,2,3,4,5]|slice(2)|list
messages|groupby('role')|map('first')|list
a.map|items|list
a.map|dictsort
a.map|dictsort(by='key', reverse=true)
{'b': 1, 'A': 2}|dictsort
{'b': 1, 'A': 2}|dictsort(true)
{'b': 2, 'a': 1}|dictsort(by='value')
a.map.items()|list
a.map.keys()|list
a.map.values()|list
a.map.get('b')
a.map.get('zz')
a.map.get('zz', 'dflt')
a.map['items']
a.map|length
m.get('content')
m.keys()|list
tools[0].function.parameters.properties.tags.items()|list
{'items': 1}.items()|list
{'get': 1}.get('get')
{'keys': 1}.keys()|list
m.nothing|default('d')
''|default('d')
''|default('d', true)
none|default('d')
none|default('d', true)
0|default('d', boolean=true)
m.n|string
m.n|string ~ 'x'
a.list|string
a.map|string
none|string
true|string
'3'|int
'x'|int
'x'|int(7)
'3.7'|int
3.9|int
'3.5'|float
'x'|float
3|float
2.5|round
3.5|round
2.567|round(2)
2.1|round(0, 'ceil')
2.9|round(method='floor')
-3|abs
'a b'|urlencode
'<a>'|escape
'<a>'|e
'<a>'|safe
'<a> & "q"'
'a\\nb'|indent
'a\\nb'|indent(2)
'a\\n\\nb'|indent(2, true)
'a\\nb'|indent(width=2, first=true, blank=true)
'%s-%s'|format('a', 1)
'a' if true
'a' if false
'a' if false else 'b'
'x'|attr('y')
a|attr('content')
range(3)|list
range(1, 4)|list
range(0, 10, 3)|list
range(3, 0, -1)|list
dict(a=1, b=2)
dict(a=1).a
dict([('a', 1)])
namespace(a=1).a
cycler is defined
joiner is defined
lipsum is defined
strftime_now('%Y-%m-%d %H:%M:%S')
strftime_now('%A %a %B %b %d %-d %e %j %y %p %I %-I %l %k %U %W %w %u %C %F %T %D %R %r %c %x %X %h %n%t%%%Z%z %f %-m %_d')
strftime_now('date: %-d. %B')
tools|tojson
tools[0]|tojson(indent=2)
tools[0]|tojson(indent=0)
a.map|tojson(indent=4, sort_keys=true)
a.map|tojson(sort_keys=True)
a.map|tojson(separators=(',', ':'))
a.map|tojson(separators=(',', ':'), indent=1)
a.map|tojson(indent='--')
m|tojson
m|tojson(ensure_ascii=true)
m|tojson(true)
m|tojson(ensure_ascii=False)
'é🙂\\u2028 <&>\\x7f\\x01\\x08\\x0c/'|tojson
'é🙂\\u2028 <&>\\x7f\\x01\\x08\\x0c/'|tojson(ensure_ascii=true)
none|tojson
true|tojson
1.0|tojson
1e20|tojson
[1, (2, 3), {}]|tojson
[[], {}, [[]]]|tojson(indent=2)
{1: 2, none: 3, true: 4, 1.5: 5}|tojson
{'b': 1, 'a': {'d': 1, 'c': 2}}|tojson(sort_keys=true)
{}|tojson(indent=2)
'"quoted"'|tojson
bos_token ~ eos_token ~ unk_token ~ pad_token
sep_token is defined
cls_token
add_generation_prompt
raise_exception('no: ' ~ m.n)
raise_exception(message='named')
messages.append(1)
a.list.append(4)
a.list.index(1)
a.list.index(9)
a.list.count(1)
a.map.update({'z': 1})
a.map.pop('b')
a.list.pop()
a.content.nosuch()
m.content|nosuch
m.content is nosuch
nosuch(1)
loop
messages|tojson|length
messages[3].content[0].text
messages[3].content|map(attribute='text')|list
messages[3].content|selectattr('type', 'equalto', 'text')|map(attribute='text')|join
(messages|last).role
messages|length > 3
messages|length - 1
(1, 2)[0]
[(1, 2)][0][1]
'a,b'.split(',')|join('+')
'\\u00e9\\x41\\101\\a\\b\\f\\v\\r|'|tojson
'a\\qb'
"\\\"\\'"
123456789012345678901234567890
1_000
0x1f
0b101
0o17
.5 is defined
1. is defined
'abc'|list|tojson
a.content[:3]|upper|lower
('a' ~ 'b')|upper
'a' ~ 'b'|upper
not true and false
not (true and false)
1 if m.n > 2 and m.flag else 2
[m.n, m.x]|sum
m.x|string
m.x * 2
m.n / 2
m.n // 2
m.n ** 2
-m.n|abs
(-m.n)|abs
+m.n
'b' > 'a' and 'é' > 'z'
[1, 2] < [1, 3]
(1, 2) == (1, 2)
[1] + (2,)
'x' in m.content.split(',')
m is mapping and m.role is string
m['con' ~ 'tent']
m.content is not string
m.content is string and m.content is not mapping
m.role in ['user', 'assistant']
m.role == "user" or m.role == 'x'
a.list[0] + a.list[-1]
a.map.b + 1
a.map.nested.deep is defined
a.map.nested is defined
messages|map(attribute='content')|select('string')|list
messages|map('length')|list
messages|map(attribute='content')|map('length')|list
messages[1:]|map(attribute='role')|unique|join('/')
'a\\tb'.expandtabs()
'x'.encode()
'a-b_c'.replace('-', ' ').replace('_', ' ').title()
'ß'.upper() ~ 'ǆ'.title() ~ 'İ'.lower()|length
'ς'.upper()
'ΑΣ'.lower()
"a'b"|tojson
"a'b"|string
['a']|string|length
[1.0, 1e20, 1e-7]
{'a': none, 1: true}
"line\\\nbreak"
m.content|string|length
'٣'.isdigit()
'½'.isnumeric()
'½'.isdigit()
['\\u00a0\\u200d\\u0301🏽\\x7f\\x85\\u2028\\ue000\\u4e2d\\ufeff\\xad']
[(1,), (), [()]]
{'a': 1.5e300}
'\\U0001f3fd'
1e16 ~ ''
1.5e-7 ~ [2.0]
m ~ a.map
[missing]
'a'|join('-')
[[1, 2], 'x']|join
messages|join(',', attribute='role')
messages[:2]|join('|', 'role')
', '.join([1])
'<a>&\"\'' |e
'a-b (c) d_e f\'g'|title
3|upper
[1]|upper
'aXbX'|replace('X', [1])
'abc'|replace('', '-')
'abc'.replace('', '-')
'abc'.replace('', '-', 2)
''.replace('', 'x')
'a\\n\\nb\\n'|indent
'a\\nb'|indent('> ', true)
'%s %s'|format([1, 'a'], {'k': none})
'{} {}'.format([1, 'a'], {'k': none})
'%s'|format(1e16)
[1e16, 2]|join(' ')
1e16|string
'a' ~ ('b' if false)
'a' ~ (1 if true else 2) ~ 'c'
1 + 2 ~ 3
2 * 3 ~ 4
'a' ~ 'b' == 'ab'
not 'a' ~ ''
'a' ~ 'b' in 'xaby'
1 is odd ~ 'x'
missing is defined ~ 'x'
('a' ~ 'b').upper() ~ 'c'
{'a' ~ 'b': 'c' ~ 1}
-1 ~ -2
m.content[1:2 ~ '']
""".strip("\n").split("\n")

STATEMENTS = [
    "{% for x in [1,2,3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.depth }}|{% endfor %}",
    "{% for x in [1,2,3] %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x // 2) }}{% endfor %}",
    "{% for x in [] %}a{% else %}none{% endfor %}",
    "{% for x in missing %}a{% else %}none{% endfor %}",
    "{% for x in none %}a{% endfor %}",
    "{% for x in 5 %}a{% endfor %}",
    "{% for x in 'añb' %}{{ x }}-{% endfor %}",
    "{% for k in {'b': 1, 'a': 2} %}{{ k }}{% endfor %}",
    "{% for k, v in {'b': 1, 'a': 2}.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k, v in {'b': 1, 'a': 2}|items %}{{ k }}={{ v }};{% endfor %}",
    "{% for a, b in [[1, 2], (3, 4)] %}{{ a }}{{ b }};{% endfor %}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for x in [1,2,3,4] if x is odd %}{{ loop.index }}:{{ x }} {% endfor %}",
    "{% for x in [1,2,3,4] %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in [1, [2, [3]]] recursive %}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}{{ loop.depth }}{% endif %}{% endfor %}",
    "{% for x in [1,2] %}{% for y in 'ab' %}{{ loop.index }}{{ x }}{{ y }} {% endfor %}{{ loop.index }}{% endfor %}",
    "{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{ x }}",
    "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}",
    "{% set ns = namespace(x=1, y='a') %}{% for i in range(3) %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}{{ ns.y }}{{ ns.z }}",
    "{% set ns = namespace() %}{{ ns.x is defined }}{% set ns.x = [1] %}{% set ns.x = ns.x + [2] %}{{ ns.x }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% set x %}block {{ 1 + 1 }}{% endset %}[{{ x }}]",
    "{% set x | upper %}block{% endset %}[{{ x }}]",
    "{% macro f(a, b='B', c=none) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }}|{{ f(1, 2) }}|{{ f(a='x', c='z') }}|{{ f() }}",
    "{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, x=3) }}",
    "{% macro f() %}x{% endmacro %}{{ f(1) }}",
    "{% macro f(x) %}[{{ caller() }}{{ x }}]{% endmacro %}{% call f(1) %}body{% endcall %}",
    "{% macro f() %}[{{ caller(1, 2) }}]{% endmacro %}{% call(a, b) f() %}{{ a }}{{ b }}{% endcall %}",
    "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}",
    "{% macro f() %}  x  {% endmacro %}{{ f() | trim }}|{{ f()|length }}",
    "{% macro f(x) %}{{ x }}{% endmacro %}{{ f(none) }}{{ f(true) }}{{ f([1, 'a']) }}",
    "{% set y = 5 %}{% macro f() %}{{ y }}{% endmacro %}{{ f() }}",
    "{% for y in [1] %}{% macro f() %}{{ y }}{% endmacro %}{{ f() }}{% endfor %}",
    "{% macro f(a, b) %}{{ b is defined }}{% endmacro %}{{ f(1) }}{{ f.name }}{{ f.arguments }}",
    "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a is defined }}",
    "{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q is defined }}",
    "{% filter upper %}abc {{ 'd' }}{% endfilter %}",
    "{% filter replace('a', 'b')|upper %}aa{% endfilter %}",
    "{% raw %}{{ x }}{% if %}{% endraw %}",
    "{%- raw -%}  {{ x }}  {%- endraw -%}",
    "a{# comment #}b{#- c -#} d",
    "  {% if true %}  \n  x\n  {% endif %}  \ny",
    "{% if true %}\nx{% endif %}\n\ny",
    "a\n  {%- if true -%}\n  b  \n  {%- endif -%}\n c",
    "a  {%+ if true %} b {%+ endif %} c",
    "  {%+ if true +%}\nx\n{% endif +%}\ny",
    "{{ 'a' }}\n{{ 'b' -}}\n c\n{{- 'd' }}\n",
    "  {{ 'a' }}  \n  {# c #}  \n  b\n\n",
    "trailing\n",
    "trailing\n\n",
    "a\r\nb\r\n",
    "\t{% if true %}x{% endif %}\t\n",
    "x {% if true %}\n  y\n{% endif %}z",
    "{% generation %}a{% set q = 1 %}{{ q }}{% endgeneration %}{{ q is defined }}",
    "{% for x in [1,2] %}{%- generation -%} {{ x }}{{ loop.index }} {%- endgeneration -%}{% endfor %}",
    "{% if m is defined %}a{% elif messages %}b{% else %}c{% endif %}",
    "{% if missing %}a{% else %}b{% endif %}",
    "{% if missing.x %}a{% endif %}",
    "{% if [] %}a{% endif %}{% if {} %}b{% endif %}{% if '' %}c{% endif %}{% if 0.0 %}d{% endif %}{% if '0' %}e{% endif %}",
    "{% block b %}inside{% endblock %}",
    "{% set loop_messages = messages %}{% for message in loop_messages %}{{ message['role'] }},{% endfor %}",
    "{% for message in messages %}{% if message.content is string %}{{ message.content }}{% elif message.content is iterable %}{% for part in message.content %}{{ part.text }}{% endfor %}{% endif %}{% endfor %}",
    "{% include 'other' %}",
    "{% import 'other' as o %}",
    "{% extends 'other' %}",
    "{% do messages.append(1) %}",
    "{% autoescape true %}{{ '<' }}{% endautoescape %}",
    "{% trans %}x{% endtrans %}",
    "{% debug %}",
    "{% unknown %}",
    "{% if %}",
    "{{ }}",
    "{{ 1 + }}",
    "{{ (1 }}",
    "{% for x in y %}",
    "{% endfor %}",
    "{{ 'unclosed }}",
    "{{",
    "{%",
    "{#",
    "}} %} #}",
    "{{ messages.__class__ }}",
    "{{ ''.__class__.__mro__ }}",
    "{% set ns = namespace(_x=1) %}",
    "{% set messages = messages[1:] %}{{ messages|length }}",
    "{% set m2 = messages[0] %}{% set m2.x = 1 %}",
    "{{ messages[0]['content']|trim ~ '\\n' }}x",
    "{% for tool in tools %}{{ tool.function.name }}({% for name, p in tool.function.parameters.properties.items() %}{{ name }}: {{ p.type }}{% if p.enum %} {{ p.enum }}{% endif %}{% if not loop.last %}, {% endif %}{% endfor %}){% endfor %}",
    "{{ tools[0].function.parameters }}",
    "{{ tools[0].function.parameters.properties.unit }}",
    "{% for x in range(200001) %}{% endfor %}",
    "{% for m in messages %}{{ loop.index0 % 2 == 0 }}{{ (m.role == 'user') != (loop.index0 % 2 == 0) }}{% endfor %}",
    "{% for m in messages %}{{ messages[loop.index0 - 1].role }}{{ messages[loop.index0 + 1].role if not loop.last }}{% endfor %}",
    "{% for m in messages|reverse %}{{ m.role }}{% endfor %}",
    "{% set x = messages|selectattr('role', 'equalto', 'system')|first %}{{ x.content }}",
    "{% set x = messages|selectattr('role', 'equalto', 'nobody')|first %}{{ x is defined }}{{ x }}",
    "{% set ns = namespace(found=false) %}{% for m in messages %}{% if m.role == 'user' %}{% set ns.found = true %}{% break %}{% endif %}{% endfor %}{{ ns.found }}",
    "{% macro render(c) %}{% if c is string %}{{ c }}{% else %}{% for i in c %}{% if 'text' in i %}{{ i.text }}{% endif %}{% endfor %}{% endif %}{% endmacro %}{% for m in messages %}{{ render(m.content) | trim }};{% endfor %}",
    "{%set x=1%}{{x}}",
    "{{ messages|length }}{{'\n'}}",
    "{{-'a'-}}",
    "a{{- ' b ' -}}c",
    "{% if a %}{% endif %}{{ bos_token }}",
    "{% for i in range(2) -%}\n {{ i }}\n{%- endfor %}",
    "line1\n    {{ 'x' }}\n    {% if true %}\n    y\n    {% endif %}\nend",
]

FEATURES = [M + "{{ " + expression + " }}" for expression in EXPRESSIONS] + STATEMENTS

# What this engine does otherwise, and how: "fails" (an error here, a text there), "lenient" (a text here,
# an error there) or "prints" (another text).
_EXPRESSIONS = {
    "fails": """
'%s is %d and %.2f' % ('x', 3, 1.5)
'%s' % 'x'
'%5.1f|%-4s|%03d|%%' % (2.25, 'a', 7)
{'b': 1, 'A': 2}|dictsort(true)
'a b'|urlencode
a|attr('content')
'x'|attr('y')
dict([('a', 1)])
+m.n
'a\\tb'.expandtabs()
'x'.encode()
""",
    "lenient": """
1 < 'a'
none < 1
1 in 'abc'
1. is defined
""",
    "prints": """
m.items is defined
cycler is defined
joiner is defined
lipsum is defined
'\\u00e9\\x41\\101\\a\\b\\f\\v\\r|'|tojson
'ß'.upper() ~ 'ǆ'.title() ~ 'İ'.lower()|length
'½'.isdigit()
'\\U0001f3fd'
""",
}
_STATEMENTS = {
    "fails": [
        "{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, x=3) }}",
        "{#",
        "{% autoescape true %}{{ '<' }}{% endautoescape %}",
    ],
    "lenient": [
        "{% for x in none %}a{% endfor %}",
        "{% set ns = namespace(_x=1) %}",
    ],
    "prints": [
        "{% macro f(a, b) %}{{ b is defined }}{% endmacro %}{{ f(1) }}{{ f.name }}{{ f.arguments }}",
    ],
}
DIFFERENT = {
    M + "{{ " + expression + " }}": how
    for how, expressions in _EXPRESSIONS.items()
    for expression in expressions.strip("\n").split("\n")
} | {source: how for how, sources in _STATEMENTS.items() for source in sources}
assert set(DIFFERENT) <= set(FEATURES), set(DIFFERENT) - set(FEATURES)
