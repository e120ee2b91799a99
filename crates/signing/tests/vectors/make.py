#!/usr/bin/env python3
"""Writes vectors.json: what python-swiftclient signs and what Swift accepts.

Needs python-swiftclient and swift (both on PyPI; for swift also liberasurecode):

    python make.py > vectors.json

Nothing in the file comes from the crate under test. It has three lists:

signed  URLs by swiftclient.utils.generate_temp_url, with the arguments they were made from.
judged  Requests and whether Swift's own tempurl middleware let them pass. The middleware runs in this process on a
        clock that stands at `now`; the signatures are made with Python's hmac.
forms   The same for the formpost middleware, with the message Swift answers.

`path` and `query` in `judged` and `forms` are WSGI strings: every character is one byte.
"""

import base64
import hashlib
import hmac
import io
import itertools
import json
import sys
from unittest import mock
from urllib.parse import quote

from swift.common.middleware import formpost, tempurl
from swiftclient.utils import generate_temp_url
import swift
import swiftclient

NOW = 1399999000.25
EXPIRES = 1400000000
ISO = '2014-05-13T16:53:20Z'
DIGESTS = ('sha1', 'sha256', 'sha512')
NAMES = [
    'logo.png', 'a b é.png', '50%', '%41', '%2F', 'a//b', '//', 'a/', '?x=1', '#top', 'a+b', 'x/v1/AUTH_other/c/o',
    '../up', './here', 'a/../b', 'тест/ø/日本語', '🎈', "quote'\"<&>", 'tab\there', 'line\nfeed', 'a;b=c,d:e@f!$*()',
    'n' * 1024, '~-._',
]
KEYS = ['mykey', 'k', '8f3ac2f4dd5b4b2e9c1a7b60d2e4f516', 'schlüssel', 'long ' * 60]


def signed():
    def case(key, method, path, digest, prefix=False, iso8601=False, ip_range=None, expires=EXPIRES):
        url = generate_temp_url(path, expires, key, method, absolute=True, prefix=prefix, iso8601=iso8601,
                                ip_range=ip_range, digest=digest)
        return {'key': key, 'method': method, 'path': path, 'digest': digest, 'prefix': prefix, 'iso8601': iso8601,
                'ip_range': ip_range, 'expires': expires, 'url': url}

    base = '/v1/AUTH_test/container/'
    for name, digest in itertools.product(NAMES, DIGESTS):
        yield case('mykey', 'GET', base + name, digest)
        yield case('mykey', 'GET', base + name, digest, prefix=True)
    for method, digest in itertools.product(('GET', 'HEAD', 'PUT', 'POST', 'DELETE'), DIGESTS):
        yield case('mykey', method, '/v1/MossoCloudFS_abc/python-demo/logo.png', digest)
    for key, digest in itertools.product(KEYS, DIGESTS):
        yield case(key, 'GET', '/v1/AUTH_ü/ça va/logo.png', digest)
    for ip_range in ('192.0.2.7', '192.0.2.0/24', '2001:db8::/32', '::1'):
        yield case('mykey', 'PUT', base + 'o', 'sha256', ip_range=ip_range)
        yield case('mykey', 'PUT', base + 'pre/', 'sha512', prefix=True, iso8601=True, ip_range=ip_range)
    for expires in (1, 59, 86399, 951782400, 1709164799, 1709251199, 4102444800, 253402300799):
        yield case('mykey', 'GET', base + 'o', 'sha1', expires=expires)
        yield case('mykey', 'GET', base + 'o', 'sha1', expires=expires, iso8601=True)
    yield case('mykey', 'GET', base, 'sha256', prefix=True)
    # Messages whose padded length falls on either side of every block boundary.
    for length in range(1, 300):
        yield case('mykey', 'GET', base + 'l' * length, DIGESTS[length % 3])


def mac(key, text, digest):
    return hmac.new(key.encode(), text.encode(), digest)


def text(method='GET', expires=EXPIRES, path='/v1/a/c/o', ip_range=None):
    return (f'ip={ip_range}\n' if ip_range else '') + f'{method}\n{expires}\n{path}'


def hexed(digest='sha256', key='mykey', **kwargs):
    return mac(key, text(**kwargs), digest).hexdigest()


def quote_all(string):
    return quote(string, safe='')


def wsgi(string):
    return string.encode().decode('latin-1')


def with_keys(middleware, account_keys, container_keys, now):
    """Puts keys where the middleware looks for those of any account and container, and stops its clock."""
    def info(keys):
        meta = {'Temp-URL-Key' + suffix: key for suffix, key in zip(('', '-2'), keys)}
        return lambda *args, **kwargs: {'meta': meta}
    return mock.patch.multiple(middleware, get_account_info=info(account_keys), get_container_info=info(container_keys),
                               time=lambda: now)


def environ(method, path, client_ip):
    env = {
        'REQUEST_METHOD': method, 'PATH_INFO': path, 'QUERY_STRING': '', 'SCRIPT_NAME': '', 'SERVER_NAME': 'localhost',
        'SERVER_PORT': '80', 'wsgi.input': io.BytesIO(), 'wsgi.errors': io.StringIO(), 'wsgi.url_scheme': 'http',
    }
    if client_ip is not None:
        env['REMOTE_ADDR'] = client_ip
    return env


def judge(query, method='GET', path='/v1/a/c/o', client_ip='192.0.2.7', account_keys=('mykey',), container_keys=(),
          allowed=DIGESTS, now=NOW, why=''):
    passed = []

    def app(env, start_response):
        # Swift's staticweb answers for a container; without it, tempurl takes back what it granted.
        passed.append(True)
        start_response('200 OK', [('X-Backend-Content-Generator', 'staticweb')])
        return [b'']

    filter_ = tempurl.filter_factory({}, allowed_digests=' '.join(allowed))(app)
    env = environ(method, path, client_ip)
    env['QUERY_STRING'] = query
    with with_keys(tempurl, account_keys, container_keys, now):
        list(filter_(env, lambda *args: None))
    return {'why': why, 'method': method, 'path': path, 'query': query, 'client_ip': client_ip,
            'keys': [*account_keys, *container_keys], 'allowed': list(allowed), 'now': now, 'passed': bool(passed)}


def judged():
    good = hexed()
    plain = f'temp_url_sig={good}&temp_url_expires={EXPIRES}'

    yield judge(plain, why='a plain URL')
    for now in (EXPIRES - 1, EXPIRES - 0.001, EXPIRES, EXPIRES + 0.001, EXPIRES + 0.5, EXPIRES + 1, EXPIRES + 1e6):
        yield judge(plain, now=now, why='around the expiry')
    for signed_for, method in itertools.product(('GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'COPY', 'get'), repeat=2):
        query = f'temp_url_sig={hexed(method=signed_for)}&temp_url_expires={EXPIRES}'
        yield judge(query, method=method, why=f'{method} with a signature for {signed_for}')
    for allowed, digest in itertools.product((('sha1',), ('sha256', 'sha512'), DIGESTS), DIGESTS):
        query = f'temp_url_sig={hexed(digest)}&temp_url_expires={EXPIRES}'
        yield judge(query, allowed=allowed, why=f'{digest} where {allowed} are allowed')

    for keys in ((), ('mykey',), ('other',), ('other', 'mykey'), ('mykey', 'mykey')):
        for container_keys in ((), ('mykey',), ('other', 'mykey'), ('other', 'another')):
            yield judge(plain, account_keys=keys, container_keys=container_keys, why='keys')

    for digest in DIGESTS:
        raw = mac('mykey', text(), digest).digest()
        standard, url_safe = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
        other = {'sha1': 'sha256', 'sha256': 'sha512', 'sha512': 'sha1'}[digest]
        for sig in (
            f'{digest}:{standard}', f'{digest}:{url_safe}', f'{digest}:{standard.rstrip("=")}',
            f'{digest}:{url_safe.rstrip("=")}', f'{digest}:{standard}====', f'{digest}:={standard}',
            f'{digest}:{standard[:-1]}', f'{digest}:{standard[1:]}', f'{digest}:{standard}AAAA', f'{digest}:',
            f'{other}:{standard}', f'{digest.upper()}:{standard}', f':{standard}', f'md5:{standard}',
            f'{digest}:{standard[:5]}={standard[5:]}', f'{digest}: {standard}', f'{digest}:{standard}\n',
            f'{digest}:{standard[:8]}-_+/', f'{digest}:{raw.hex()}', f'{digest}:{standard}:',
        ):
            query = f'temp_url_sig={quote_all(sig)}&temp_url_expires={EXPIRES}'
            yield judge(query, why='a base64 signature')
        yield judge(f'temp_url_sig={digest}:{standard}&temp_url_expires={EXPIRES}', why='base64 not escaped')
        hexadecimal = raw.hex()
        for sig in (hexadecimal.upper(), hexadecimal[:-1], hexadecimal + '0', hexadecimal[:-1] + 'g', '0' + hexadecimal,
                    ' ' + hexadecimal, hexadecimal[:40], 'é' * 20, ''):
            query = f'temp_url_sig={quote_all(sig)}&temp_url_expires={EXPIRES}'
            yield judge(query, why='a hexadecimal signature')

    for expires in (
        '1400000000', '+1400000000', ' 1400000000 ', '%2B1400000000', '01400000000', '1_400_000_000', '1__400000000',
        '_1400000000', '1400000000_', '1400000000.0', '1.4e9', '0x5370', '-1400000000', '0', '', '-0', '--1', '+',
        'soon', '1400000000%0A', '%091400000000', '1400000000%C2%A0', '1400000000%00', ISO,
        ISO.lower(), '2014-05-13T16:53:20', '2014-05-13 16:53:20Z', '2014-5-13T16:53:20Z', '2014-05-13T16:53:20.0Z',
        '2014-05-13T16:53:20%2B00:00', '2014-05-13T16:52:80Z', '2014-05-13T16:52:60Z', '2014-13-01T00:00:00Z',
        '2014-02-30T00:00:00Z', '0000-01-01T00:00:00Z', '14-05-13T16:53:20Z', '2014-05-13T24:00:00Z',
        '2014-05-13T16:60:00Z', '+2014-05-13T16:53:20Z', '2014-05-13T16:53:20Z ', '', '2014--5-13T16:53:20Z',
        '2014-005-13T16:53:20Z', '2014-05-13T16:53:Z', '2014-05-13T16:53:20ZZ',
    ):
        yield judge(f'temp_url_sig={good}&temp_url_expires={expires}', why='a spelling of the expiry')
    for moment, expires in (
        ('2014-05-13T16:52:60Z', 1399999980), ('2014-05-13T16:52:61Z', 1399999981), ('2014-5-3T6:2:1Z', 1399096921),
        ('2016-02-29T00:00:00Z', 1456704000), ('9999-12-31T23:59:59Z', 253402300799),
        ('2100-03-01T00:00:00Z', 4107542400),
    ):
        query = f'temp_url_sig={hexed(expires=expires)}&temp_url_expires={moment}'
        yield judge(query, now=1300000000.5, why='a spelling of the expiry')

    for query in (
        f'temp_url_sig={good}', f'temp_url_expires={EXPIRES}', f'temp_url_sig&temp_url_expires={EXPIRES}',
        f'temp_url_sig={good}&temp_url_expires', f'&&{plain}&', f'a=b&{plain}&c', f'{plain};x=1',
        f'temp_url_sig={good};temp_url_expires={EXPIRES}', f'{plain}&temp_url_sig=0&temp_url_expires=1',
        f'temp_url_sig=0&{plain}', f'temp_url_sig=&{plain}', f'temp%5Furl%5fsig={good}&temp_url%5Fexpires={EXPIRES}',
        f'temp+url_sig={good}&temp_url_expires={EXPIRES}', f'TEMP_URL_SIG={good}&TEMP_URL_EXPIRES={EXPIRES}',
        f'temp_url_sig={"".join(f"%{ord(c):02x}" for c in good)}&temp_url_expires={EXPIRES}',
        f'{plain}&filename=%ff%fe&inline', f'{plain}&%=%&%zz=%', f'{plain}&\xff=\xfe', f'{plain}&temp_url_prefix',
        f'{plain}&temp_url_ip_range=', f'{plain}&temp_url_ip_range', f'temp_url_sig=={good}&temp_url_expires={EXPIRES}',
    ):
        yield judge(query, why='a spelling of the query')

    for path in ('/v1/a/c/o2', '/v1/a/c/O', '/v1/a/c/o/', '/v1/a/c2/o', '/v1/a2/c/o', '/v1/a/c', '/v1/a/c/', '/v1/a',
                 '/v1', '/', '/v1.0/a/c/o', '/v2/a/c/o', '/v1//c/o', '/v1/a//o', '/v1/a/c//', '//v1/a/c/o', 'v1/a/c/o'):
        yield judge(plain, path=path, why='another path')
        own = f'temp_url_sig={hexed(path=path)}&temp_url_expires={EXPIRES}'
        yield judge(own, path=path, why='a signature for this path')
    for name in NAMES:
        query = f'temp_url_sig={hexed(path="/v1/a/c/" + name)}&temp_url_expires={EXPIRES}'
        yield judge(query, path=wsgi('/v1/a/c/' + name), why='a name')

    for method, prefix, path in itertools.product(
            ('GET', 'PUT'), ('', 'o', 'p', 'dir/', 'é', 'a b', 'a+b', '%'),
            ('/v1/a/c/o', '/v1/a/c/other', '/v1/a/c/dir/x', '/v1/a/c/dir', '/v1/a/c', '/v1/a/c/', '/v1/a/c//',
             '/v1/a/c/état', '/v1/a/c/a b', '/v1/a/c/a+b', '/v1/a/c/%x')):
        sig = hexed(method=method, path='prefix:/v1/a/c/' + prefix)
        query = f'temp_url_sig={sig}&temp_url_expires={EXPIRES}&temp_url_prefix='
        yield judge(query + quote_all(prefix), method=method, path=wsgi(path), why='a prefix')
        if prefix in ('é', 'a b', 'a+b', '%'):
            yield judge(query + wsgi(prefix), method=method, path=wsgi(path), why='a prefix that is not escaped')
    yield judge(f'{plain}&temp_url_prefix=o', why='a prefix that was not signed')
    prefixed = hexed(path='prefix:/v1/a/c/o')
    yield judge(f'temp_url_sig={prefixed}&temp_url_expires={EXPIRES}', why='a signed prefix left out')

    for ip_range in (
        '192.0.2.7', '192.0.2.8', '192.0.2.0/24', '192.0.2.7/32', '192.0.2.7/24', '192.0.3.0/24', '0.0.0.0/0',
        '192.0.2.0/255.255.255.0', '192.0.2.0/0.0.0.255', '192.0.2.0/255.0.255.0', '192.0.2.0/024', '192.0.2.0/33',
        '192.0.2.0/-1', '192.0.2.0/+24', '192.0.2.0/', '/24', '192.0.2.0/24/24', '192.0.2', '192.0.2.07', '192.0.2.256',
        ' 192.0.2.7', '192.0.2.7 ', '2001:db8::/32', '2001:db8::1', '2001:db8::1/32', '::/0', '::1/129', '::ffff:0:0/96',
        '::ffff:192.0.2.7', '2001:DB8:0::/32', '2001:db8::/ffff::', 'localhost', '3221226247', '192.0.2.0/0.0.0.0',
        '0.0.0.0/0.0.0.0', '192.0.2.7/255.255.255.255', '0.0.0.0/255.255.255.255',
        '192.0.2.0/24\n', '192.0.2.0/٢٤',
    ):
        sig = hexed(ip_range=ip_range)
        query = f'temp_url_sig={sig}&temp_url_expires={EXPIRES}&temp_url_ip_range={quote_all(ip_range)}'
        for client_ip in ('192.0.2.7', '2001:db8::1', '::1', '::ffff:192.0.2.7', None):
            yield judge(query, client_ip=client_ip, why='an IP range')
    for query in (
        f'{plain}&temp_url_ip_range=192.0.2.0/24', f'temp_url_sig={hexed(ip_range="192.0.2.0/24")}&temp_url_expires={EXPIRES}',
        f'temp_url_sig={hexed(ip_range="192.0.2.0/24")}&temp_url_expires={EXPIRES}&temp_url_ip_range=192.0.2.0/25',
    ):
        yield judge(query, why='an IP range that was not signed')


def form(signature=None, path='/v1/a/c/up_', redirect='', max_file_size='1048576', max_file_count='3',
         expires=str(EXPIRES), keys=('mykey',), allowed=DIGESTS, now=NOW, why='', signed=None):
    fields = {'path': path, 'redirect': redirect, 'max_file_size': max_file_size, 'max_file_count': max_file_count,
              'expires': expires, **(signed or {})}
    lines = '\n'.join([fields['path'], fields['redirect'], fields['max_file_size'] or '0', fields['max_file_count'] or '0',
                       fields['expires'] or '0'])
    if signature is None:
        signature = mac('mykey', lines, 'sha1').hexdigest()
    elif callable(signature):
        signature = signature(lines)
    sent = {'redirect': redirect, 'max_file_size': max_file_size, 'max_file_count': max_file_count, 'expires': expires,
            'signature': signature}
    body = ''.join(f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                   for name, value in sent.items())
    body += '--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nfile\r\n--B--\r\n'

    def app(env, start_response):
        start_response('201 Created', [])
        return [b'']

    filter_ = formpost.filter_factory({}, allowed_digests=' '.join(allowed))(app)
    env = environ('POST', wsgi(path), None)
    env['CONTENT_TYPE'] = 'multipart/form-data; boundary=B'
    env['wsgi.input'] = io.BytesIO(body.encode())
    status = []
    with with_keys(formpost, keys, (), now):
        answer = b''.join(filter_(env, lambda *args: status.append(args[0])))
    return {'why': why, 'path': wsgi(path), **sent, 'keys': list(keys), 'allowed': list(allowed), 'now': now,
            'status': status[0], 'answer': '' if redirect else answer.decode()}


def forms():
    yield form(why='a plain form')
    yield form(redirect='https://example.com/done', why='a redirect')
    yield form(path='/v1/a/c/é b%/', why='a name')
    for now in (EXPIRES - 0.001, EXPIRES, EXPIRES + 0.001, EXPIRES + 1):
        yield form(now=now, why='around the expiry')
    for digest in DIGESTS:
        yield form(lambda lines: mac('mykey', lines, digest).hexdigest(), why='digests')
        yield form(lambda lines: mac('mykey', lines, digest).hexdigest(), allowed=('sha256',), why='digests')
        yield form(lambda lines: f'{digest}:' + base64.b64encode(mac('mykey', lines, digest).digest()).decode(),
                   why='base64')
    for name, values in {
        'path': ('/v1/a/c/up', '/v1/a/c/'), 'redirect': ('https://example.com',),
        'max_file_size': ('1048577', '01048576', ''), 'max_file_count': ('4', ''), 'expires': ('1400000001', ''),
    }.items():
        for value in values:
            yield form(signed={name: value}, why=f'another {name} was signed')
    for number in ('', '0', ' 7 ', '+7', '-7', '7_0', '07', '7.0', 'many', '7\t'):
        yield form(max_file_size=number, why='a spelling of max_file_size')
        yield form(expires=number, why='a spelling of expires')
        yield form(expires=number.replace('7', str(EXPIRES)), why='a spelling of expires')
        yield form(max_file_count=number, why='a spelling of max_file_count')
    for keys in ((), ('other',), ('other', 'mykey')):
        yield form(keys=keys, why='keys')
    for signature in ('', 'none', '0' * 40, 'md5:AAAA'):
        yield form(signature, why='no signature')


def main():
    def one_a_line(cases):
        return '[\n' + ',\n'.join('  ' + json.dumps(case) for case in cases) + '\n]'
    versions = {'swift': swift.__version__, 'python-swiftclient': swiftclient.__version__,
                'python': '.'.join(map(str, sys.version_info[:3]))}
    print('{"made_with": %s,\n"signed": %s,\n"judged": %s,\n"forms": %s}' % (
        json.dumps(versions), one_a_line(signed()), one_a_line(judged()), one_a_line(forms())))


if __name__ == '__main__':
    main()
